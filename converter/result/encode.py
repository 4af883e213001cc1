"""A result as a DICOM file: Part 10, Explicit VR Little Endian, the same bytes every time."""

from __future__ import annotations

from io import BytesIO

from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from converter.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME


def add_file_meta(ds: Dataset) -> None:
    """File Meta Information for `ds` (PS3.10 7.1)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    ds.file_meta = meta


def to_bytes(ds: Dataset) -> bytes:
    """`ds` as a Part 10 file with a preamble of zeros."""
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()
