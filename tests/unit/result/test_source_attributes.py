"""Patient and study of the source: exact to the byte, or the same text in UTF-8."""

from collections.abc import Callable
from io import BytesIO

import pytest
from pydicom import DataElement, Dataset, dcmread
from pydicom.config import IGNORE
from pydicom.dataelem import RawDataElement

from converter.result.encode import add_file_meta, to_bytes
from converter.result.source_attributes import IDENTITY_TYPE_2, SourceAttributes
from tests.support.dicom.part10 import undecoded
from tests.support.dicom.sources import SOURCES, as_read, cr_japanese, cr_latin1, cr_undeclared, cr_with_holes, dx_full


def _written(result: Dataset) -> Dataset:
    result.SOPClassUID, result.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "2.25.1"
    add_file_meta(result)
    return dcmread(BytesIO(to_bytes(result)))


def _raw(ds: Dataset, keyword: str) -> bytes:
    element = ds.get_item(keyword)
    assert isinstance(element, RawDataElement)
    return element.value or b""


@pytest.mark.parametrize("name", SOURCES)
def test_every_identifying_attribute_keeps_its_bytes(name: str) -> None:
    source = SOURCES[name]()
    result = _written(SourceAttributes.of(source, "source").new_result())
    assert result.get("SpecificCharacterSet") == source.get("SpecificCharacterSet")
    for keyword in ("StudyDescription", "IssuerOfPatientID", "PatientAge", *IDENTITY_TYPE_2):
        if keyword in source:
            as_sent = _raw(source, keyword)
            # "U" is no value of Patient's Sex (PS3.3 C.7.1.1)
            assert _raw(result, keyword) == (b"" if (keyword, as_sent) == ("PatientSex", b"U ") else as_sent), keyword


def test_a_japanese_name_keeps_its_three_writings_and_its_shift_sequences() -> None:
    result = _written(SourceAttributes.of(cr_japanese(), "source").new_result())
    alphabetic, ideographic = b"Yamada^Tarou", b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    assert _raw(result, "PatientName").startswith(alphabetic + b"=" + ideographic + b"=")
    assert str(result.PatientName) == "Yamada^Tarou=山田^太郎=やまだ^たろう"


@pytest.mark.parametrize("make", [cr_japanese, cr_latin1, dx_full])
def test_in_utf8_the_text_is_the_same(make: Callable[[], Dataset]) -> None:
    source = make()
    result = _written(SourceAttributes.of(source, "utf8").new_result())
    assert result.SpecificCharacterSet == "ISO_IR 192"
    assert _raw(result, "PatientName").rstrip() == str(source.PatientName).encode("utf-8")
    assert result.get("StudyDescription") == source.get("StudyDescription")


def test_a_name_that_its_character_set_cannot_decode_keeps_its_bytes_even_in_utf8() -> None:
    source = cr_undeclared()
    result = _written(SourceAttributes.of(source, "utf8").new_result())
    assert "SpecificCharacterSet" not in result
    assert _raw(result, "PatientName") == _raw(source, "PatientName")


def test_what_type_2_asks_for_and_the_source_lacks_is_present_and_empty() -> None:
    result = _written(SourceAttributes.of(cr_with_holes(), "source").new_result())
    for keyword in ("PatientName", "PatientBirthDate", "PatientSex", "StudyID", "ReferringPhysicianName"):
        assert keyword in result and not result[keyword].value


def test_copying_leaves_the_source_undecoded() -> None:
    source = cr_japanese()
    SourceAttributes.of(source, "source").new_result()
    SourceAttributes.of(source, "utf8").new_result()
    assert isinstance(source.get_item("PatientName"), RawDataElement)


def test_a_header_that_was_read_already_is_copied_all_the_same() -> None:
    source = cr_japanese()
    source.decode()
    result = _written(SourceAttributes.of(source, "source").new_result())
    assert _raw(result, "PatientName") == _raw(cr_japanese(), "PatientName")
    assert _raw(result, "StudyDescription") == _raw(cr_japanese(), "StudyDescription")


def test_a_value_of_odd_length_is_padded() -> None:
    source = as_read(cr_latin1())
    source["PatientID"] = undecoded(source, "PatientID")._replace(value=b"ODD", length=3)
    assert _raw(_written(SourceAttributes.of(source, "source").new_result()), "PatientID") == b"ODD "


def test_sequences_keep_their_text_and_lose_private_elements() -> None:
    source = dx_full()
    source.RequestAttributesSequence[0].private_block(0x0041, "SOMEBODY", create=True).add_new(1, "LO", "secret")
    attributes = SourceAttributes.of(source, "source")
    result = attributes.new_result()
    attributes.copy_to(result, ["RequestAttributesSequence"])
    item = _written(result).RequestAttributesSequence[0]
    assert item.RequestedProcedureDescription == "Thorax Übersicht"
    assert not any(element.tag.is_private for element in item)


@pytest.mark.parametrize(("age", "kept"), [("066Y", True), ("010M", True), ("62", False), ("62Y", True), ("", False)])
def test_an_age_that_is_no_age_string_is_left_out(age: str, kept: bool) -> None:
    source = dx_full()
    source["PatientAge"] = DataElement("PatientAge", "AS", age, validation_mode=IGNORE)
    result = _written(SourceAttributes.of(as_read(source), "source").new_result())
    assert ("PatientAge" in result) is kept
