"""Where DICOMweb is on the web port."""

from __future__ import annotations

STUDIES = "/dicom-web/studies"


def is_dicomweb(path: str) -> bool:
    """Whether a program asks for DICOMweb, whose bodies are read as they come."""
    return path == STUDIES or path.startswith(f"{STUDIES}/")
