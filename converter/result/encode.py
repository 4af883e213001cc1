"""A result as a DICOM file: Part 10, Explicit VR Little Endian, the same bytes every time.

It writes the same bytes as pydicom's dcmwrite with fewer copies, because most elements of a result are encoded already.
"""

from __future__ import annotations

import struct

from pydicom import Dataset
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, VR

from converter.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from converter.result.template import Values, encoded

SHORT_BYTES_MAX = 0xFFFF
UNDEFINED_LENGTH = 0xFFFFFFFF


def add_file_meta(ds: Dataset) -> None:
    """File Meta Information for `ds` (PS3.10 7.1)."""
    meta = FileMetaDataset()
    values = {"class_uid": ds.SOPClassUID, "instance_uid": ds.SOPInstanceUID}
    for element in encoded(file_meta, None, values):
        meta[element.tag] = element
    ds.file_meta = meta


def file_meta(_: None, values: Values) -> Dataset:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = values["class_uid"]
    meta.MediaStorageSOPInstanceUID = values["instance_uid"]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return meta


def to_bytes(ds: Dataset) -> bytes:
    """`ds` as a Part 10 file with a preamble of zeros; its file meta is that of a result of ours."""
    meta = encoded(file_meta, None, {"class_uid": ds.SOPClassUID, "instance_uid": ds.SOPInstanceUID}).data
    pieces = [bytes(128), b"DICM", struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(meta)), meta]
    charset = ds.get("SpecificCharacterSet") or "iso8859"
    # a value that was read in another character set or encoding than the result's has to be read and encoded anew
    as_read = ds.original_encoding == (False, True) and ds.original_character_set == ds._character_set
    for tag in sorted(ds.keys()):
        element = ds.get_item(tag) if as_read else ds[tag]
        pieces += _as_it_is(element) or (_written(element, charset),)
    return b"".join(pieces)


def _as_it_is(element: DataElement | RawDataElement) -> tuple[bytes, ...]:
    """Head and value of an element whose value is bytes already; nothing when it has to be encoded."""
    if not (isinstance(element, RawDataElement) or element.VR == VR.OB):
        return ()
    data, is_long = element.value or b"", element.VR in EXPLICIT_VR_LENGTH_32
    if not isinstance(data, bytes) or len(data) % 2 or not (is_long or len(data) <= SHORT_BYTES_MAX):
        return ()
    if element.is_undefined_length if isinstance(element, DataElement) else element.length == UNDEFINED_LENGTH:
        return ()
    tag, vr = element.tag, str(element.VR).encode()
    if is_long:
        return struct.pack("<HH2sHI", tag.group, tag.element, vr, 0, len(data)), data
    return struct.pack("<HH2sH", tag.group, tag.element, vr, len(data)), data


def _written(element: DataElement | RawDataElement, charset: str | list[str]) -> bytes:
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = False, True
    write_data_element(file, element, charset)
    return file.getvalue()
