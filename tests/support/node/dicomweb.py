"""Settings with one archive that is reached by DICOMweb, and results to send there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydicom import Dataset

from scp_node.deliver.destinations import Destinations
from scp_node.deliver.kind import Destination
from scp_node.deliver.outcomes import SendOutcome
from scp_node.settings import Settings, System
from tests.support.dicom.part10 import as_pydicom_writes
from tests.support.dicom.phantoms import make_dx
from tests.support.node.delivering import settings_for

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def settings_to_vna(url: str, *, response_timeout_s: float = 5, **system: Any) -> Settings:
    """Settings whose one system, called vna, is a DICOMweb archive."""
    settings = settings_for({"unused": ("UNUSED", 104)}, response_timeout_s=response_timeout_s, retry_max_s=60)
    one = System.model_validate({"kind": "dicomweb", "url": url, **system}, strict=False)
    return settings.model_copy(update={"systems": {"vna": one}})


def vna_of(settings: Settings) -> Destination:
    return Destination("vna", settings.systems["vna"], settings)


def a_result(rows: int = 32, columns: int = 32, seed: int = 1) -> Dataset:
    """An object of a class in which results come."""
    ds = make_dx(rows=rows, columns=columns, seed=seed)
    ds.SOPClassUID = SECONDARY_CAPTURE
    return ds


def result_file(folder: Path, ds: Dataset) -> Path:
    path = folder / "result.dcm"
    path.write_bytes(as_pydicom_writes(ds))
    return path


def sent_to_vna(settings: Settings, path: Path) -> SendOutcome:
    destinations = Destinations(settings)
    try:
        return destinations.send("vna", path)
    finally:
        destinations.close()
