"""Part 10 files: our own file meta, a preamble of zeros, and the same bytes as often as one asks."""

from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian

from converter.product import IMPLEMENTATION_CLASS_UID
from converter.result.encode import SHORT_BYTES_MAX, to_bytes
from tests.support.dicom.part10 import as_pydicom_writes
from tests.support.dicom.sources import SOURCES, cr_japanese, dx_full, lateral
from tests.support.results.reports import a_heatmap, a_report, an_image


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


@pytest.mark.parametrize("name", SOURCES)
def test_results_are_written_as_pydicom_writes_them(name: str) -> None:
    image = an_image(SOURCES[name]())
    for result in (a_report([image], [lateral()]), a_heatmap(image)):
        assert to_bytes(result) == as_pydicom_writes(result)
        assert to_bytes(dcmread(BytesIO(to_bytes(result)))) == as_pydicom_writes(result)


def test_a_result_whose_character_set_was_changed_is_encoded_anew() -> None:
    result = a_report([an_image(cr_japanese())])
    result.SpecificCharacterSet = "ISO_IR 192"
    read = dcmread(BytesIO(to_bytes(result)))
    assert to_bytes(result) == as_pydicom_writes(result)
    assert str(read.PatientName) == str(cr_japanese().PatientName)


@pytest.mark.filterwarnings("ignore:The value for the data element")
def test_a_value_too_long_for_its_length_field_is_written_as_unknown() -> None:
    result = a_report([an_image(dx_full())])
    value = b"x" * (SHORT_BYTES_MAX + 1)
    result["PatientComments"] = RawDataElement(Tag("PatientComments"), "LO", len(value), value, 0, False, True)
    assert to_bytes(result) == as_pydicom_writes(result)


def test_an_odd_number_of_pixel_bytes_is_padded() -> None:
    result = a_heatmap(an_image(dx_full()))
    result.PixelData = b"123"
    assert to_bytes(result).endswith(b"123\0")
