"""The head of a spooled file is Part 10, exactly as pydicom would write it."""

from __future__ import annotations

import io

import pytest
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID

from converter.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp_node.intake.file_meta import file_head

EXPLICIT_LE = "1.2.840.10008.1.2.1"
CR = "1.2.840.10008.5.1.4.1.1.1"


@pytest.mark.parametrize("instance", ["1.2.3", "1.2.34", "2.25." + "9" * 59])
@pytest.mark.parametrize("titles", [("", ""), ("MODALITY", "HILUM"), ("A", "SIXTEEN_LETTERS_")])
def test_it_equals_what_pydicom_writes(instance: str, titles: tuple[str, str]) -> None:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(CR)
    meta.MediaStorageSOPInstanceUID = UID(instance)
    meta.TransferSyntaxUID = UID(EXPLICIT_LE)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    if titles[0]:
        meta.SendingApplicationEntityTitle, meta.ReceivingApplicationEntityTitle = titles
    buffer = DicomBytesIO()
    write_file_meta_info(buffer, meta)
    assert file_head(CR, instance, EXPLICIT_LE, *titles) == bytes(128) + b"DICM" + buffer.getvalue()


def test_a_file_that_begins_with_it_can_be_read() -> None:
    data = b"\x08\x00\x18\x00UI\x06\x001.2.3\x00"
    ds = dcmread(io.BytesIO(file_head(CR, "1.2.3", EXPLICIT_LE) + data))
    assert (ds.SOPInstanceUID, ds.file_meta.TransferSyntaxUID) == ("1.2.3", EXPLICIT_LE)
