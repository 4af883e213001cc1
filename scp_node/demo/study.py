"""The study that a demonstration sends: the user's own, or the computed example."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom import dcmread

from converter.image.header import BROKEN_INPUT
from converter.image.sop_classes import STORAGE_CLASSES
from converter.page.counted import counted
from scp_node.deliver.dimse.file_transfer import dicom_files
from scp_node.errors import UsageError

_KEYWORDS = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "PatientID", "IssuerOfPatientID"]


@dataclass(frozen=True)
class Study:
    """Files of one study. `remarks` tell what of the given path is left out, and why."""

    files: tuple[Path, ...]
    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    sop_instance_uids: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def of_files(self, wanted: Collection[Path]) -> Study:
        """The part of it that is in these files."""
        kept = [pair for pair in zip(self.files, self.sop_instance_uids, strict=True) if pair[0] in wanted]
        return replace(self, files=tuple(file for file, _ in kept), sop_instance_uids=tuple(uid for _, uid in kept))


def read_study(path: Path) -> Study:
    """The first study among the DICOM files at `path`, a file or a folder, in order of the file names.

    Raises UsageError when there is no image of a class that the node takes.
    """
    headers: list[tuple[Path, dict[str, str]]] = []
    unreadable = other_class = 0
    for file in dicom_files([path]):
        header = _header(file)
        if header is None:
            unreadable += 1
        elif header["SOPClassUID"] not in STORAGE_CLASSES:
            other_class += 1
        else:
            headers.append((file, header))
    if not headers:
        kinds = ", ".join(STORAGE_CLASSES.values())
        raise UsageError(f"{path}: no DICOM image that the node takes ({kinds}). PNG and JPEG: see 'hilum predict'.")
    first = headers[0][1]
    chosen = [(file, header) for file, header in headers if header["StudyInstanceUID"] == first["StudyInstanceUID"]]
    studies = len({header["StudyInstanceUID"] for _, header in headers})
    remarks = []
    if studies > 1:
        there, images = counted(studies, "study is", "studies are"), counted(len(headers), "image")
        remarks.append(f"{there} there; the first is sent ({len(chosen)} of {images})")
    if other_class:
        remarks.append(f"{counted(other_class, 'object is', 'objects are')} of a class that the node does not take")
    if unreadable:
        remarks.append(f"{counted(unreadable, 'file is', 'files are')} not readable as DICOM")
    return Study(
        files=tuple(file for file, _ in chosen),
        study_instance_uid=first["StudyInstanceUID"],
        patient_id=first["PatientID"],
        issuer_of_patient_id=first["IssuerOfPatientID"],
        sop_instance_uids=tuple(header["SOPInstanceUID"] for _, header in chosen),
        remarks=tuple(remarks),
    )


def _header(path: Path) -> dict[str, str] | None:
    try:
        ds = dcmread(path, stop_before_pixels=True, specific_tags=list(_KEYWORDS))
        header = {keyword: str(ds.get(keyword) or "") for keyword in _KEYWORDS}
    except BROKEN_INPUT:
        return None
    return header if all(header[keyword] for keyword in _KEYWORDS[:3]) else None
