"""Finds the development radiographs: the folder named by HILUM_DATA, or ../shared/data beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT


def data_dir() -> Path | None:
    """The folder with cxr/ and dicom/, or None when there is none on this machine."""
    named = os.environ.get("HILUM_DATA")
    folder = Path(named) if named else CHECKOUT.parent / "shared" / "data"
    return folder if (folder / "cxr" / "manifest.csv").is_file() else None


def dicom_files() -> list[Path]:
    """Every real DICOM file at hand, or none."""
    root = data_dir()
    return [] if root is None else sorted([*(root / "dicom").rglob("*.dcm"), *(root / "cxr" / "dicom").glob("*.dcm")])


def require_data() -> Path:
    """The folder, or a skip that names what is missing."""
    root = data_dir()
    if root is None:
        pytest.skip("no development radiographs: set HILUM_DATA to the folder that holds cxr/ and dicom/")
    return root
