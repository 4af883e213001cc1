"""Part 10 files: our own file meta, a preamble of zeros, and the same bytes as often as one asks."""

from io import BytesIO

from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from converter.product import IMPLEMENTATION_CLASS_UID
from converter.result.encode import to_bytes
from tests.support.reports import a_report, an_image
from tests.support.sources import cr_japanese


def test_a_result_is_a_part_10_file_of_ours() -> None:
    data = to_bytes(a_report([an_image(cr_japanese())]))
    assert data[:128] == bytes(128) and data[128:132] == b"DICM"
    meta = dcmread(BytesIO(data)).file_meta
    assert meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID


def test_writing_what_was_read_gives_the_same_bytes() -> None:
    data = to_bytes(a_report([an_image(cr_japanese())]))
    assert to_bytes(dcmread(BytesIO(data))) == data


def test_looking_at_a_result_does_not_change_its_bytes() -> None:
    sr = a_report([an_image(cr_japanese())])
    data = to_bytes(sr)
    assert str(sr) and str(sr.PatientName) and sr.StudyDescription
    assert to_bytes(sr) == data
