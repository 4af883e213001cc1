"""Results are valid whatever their source says: any value in any attribute that results copy, read back by dciodvfy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import Comprehensive3DSRStorage

from converter.image.header import without_warnings
from converter.result.cleaned import IDENTIFIERS
from converter.result.encode import to_bytes
from converter.result.secondary_capture import COPIED
from converter.result.source_attributes import IDENTITY, Charset
from tests.support.dicom.sources import cr_japanese, cr_latin1, cr_with_holes, dx_full
from tests.support.peers.validators import dciodvfy
from tests.support.results.reports import a_heatmap, a_report, an_image

BASES = (dx_full, cr_with_holes, cr_latin1, cr_japanese)
DESCRIBED = ("Modality", "PatientOrientation", "ImagerPixelSpacing", "PixelSpacing", "Rows", "Columns")
KEYWORDS = tuple(dict.fromkeys((*IDENTITY, *COPIED, *DESCRIBED)))
# Odd values by the VR that they are meant for; any of them may stand anywhere.
ODD = {
    "AS": ("62", "62Y", "062y", "Y062", "6 2Y", "1000Y", "062Y\\063Y", "-01Y"),
    "CS": (
        "chest",
        "Chest",
        "CHEST PA",
        "A" * 17,
        "PA/AP",
        "R\xf6ntgen",
        "YES",
        "NO",
        "U",
        "female",
        "1",
        "\t",
        "R\\L",
    ),
    "DA": (
        "1970.01.31",
        "1970-01-31",
        "31.01.1970",
        "19701332",
        "1970",
        "00000000",
        "today",
        "19700101-",
        "19700101\\19700102",
    ),
    "DS": (
        "70 kg",
        "70,5",
        "7,0,5",
        "1e400",
        "NaN",
        "inf",
        "4096.000000000001",
        "-.5",
        "1E3",
        "+",
        "1\\2\\3",
        "0x10",
        "70.5.",
    ),
    "DT": ("20200101120000.123456+0100", "2020-01-01", "202013", "20200101+2500", "now"),
    "IS": ("1.0", "2147483648", "-2147483649", "1e3", "one", "+1"),
    "LO": ("x" * 65, "a\\b", "tab\there", "line\nend", "\x1b[31m", "\x00mid\x00", "\xe9\xff", " " * 70, "CHEST\\"),
    "PN": ("a" * 65, "a^b^c^d^e^f", "a=b=c=d", "\xe9\xe8", "a\tb", "^", "=", "A^B\\C^D", "Dr. X\n"),
    "SH": ("0123456789ABCDEFG", "a\\b", "+0900", "+25:00", "-0000", "Z", "\x07"),
    "TM": ("10:15:00", "10:15", "101500.1234567", "256060", "10.15", "1015-1016", "noon", "24"),
    "UI": ("1.2.03", "1..2", "abc", "1." * 40, "1.2 "),
}
TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=80).map(lambda text: text.encode("latin-1"))
ANYTHING = st.one_of(
    st.sampled_from([one.encode("latin-1") for odd in ODD.values() for one in odd]), TEXT, st.just(b"")
)
CODE_PARTS = ("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning", "LongCodeValue")
ITEM_PARTS = (
    *CODE_PARTS,
    *("PatientID", "TypeOfPatientID", "LocalNamespaceEntityID", "UniversalEntityID", "UniversalEntityIDType"),
    *("InstitutionName", "RequestedProcedureDescription", "RequestedProcedureID", "ScheduledProcedureStepDescription"),
)


def values_of(keyword: str) -> st.SearchStrategy[bytes]:
    vr = dictionary_VR(keyword)
    fitting = [one.encode("latin-1") for one in ODD.get(vr, ())]
    return st.one_of(st.sampled_from(fitting), ANYTHING) if fitting else ANYTHING


def raw(keyword: str, value: bytes) -> RawDataElement:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    value += b" " * (len(value) % 2)
    return RawDataElement(BaseTag(tag), dictionary_VR(keyword), len(value), value, 0, False, True)


@st.composite
def items(draw: st.DrawFn) -> Dataset:
    """A sequence item with some of the parts that such items have, each of them odd or not."""
    item = Dataset()
    for keyword in draw(st.lists(st.sampled_from(ITEM_PARTS), unique=True, max_size=5)):
        item[keyword] = raw(keyword, draw(values_of(keyword)))
    return item


@st.composite
def damage(draw: st.DrawFn) -> dict[str, bytes | list[Dataset]]:
    keywords = draw(st.lists(st.sampled_from(KEYWORDS), unique=True, min_size=1, max_size=12))
    is_sequence = {keyword: dictionary_VR(keyword) == "SQ" for keyword in keywords}
    return {
        keyword: draw(st.lists(items(), max_size=2)) if is_sequence[keyword] else draw(values_of(keyword))
        for keyword in keywords
        if dictionary_VR(keyword) != "US"
    }


def damaged(base: Dataset, changes: dict[str, bytes | list[Dataset]]) -> Dataset:
    for keyword, value in changes.items():
        if isinstance(value, bytes):
            base[keyword] = raw(keyword, value)
        else:
            setattr(base, keyword, Sequence(value))
    return base


def errors_in(ds: Dataset, folder: Path) -> list[str]:
    path = folder / "result.dcm"
    path.write_bytes(to_bytes(ds))
    return [error for error in dciodvfy(path) if not is_kept(error)]


def is_kept(error: str) -> bool:
    """Whether it is about what tells a patient, study or order from another, which is copied to the byte."""
    path = re.findall(r"/(\w+)\(", error)
    return bool(path) and path[-1] in IDENTIFIERS


@pytest.mark.fuzz
@pytest.mark.peer("dciodvfy")
@pytest.mark.parametrize("charset", ["source", "utf8"])
@given(number=st.integers(0, len(BASES) - 1), changes=damage())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
def test_no_value_of_a_source_makes_a_result_invalid(
    tmp_path: Path, charset: Charset, number: int, changes: dict[str, bytes | list[Dataset]]
) -> None:
    with without_warnings():
        source = an_image(damaged(BASES[number](), changes))
        assert errors_in(a_report([source], [], Comprehensive3DSRStorage, charset), tmp_path) == []
        assert errors_in(a_heatmap(source, charset), tmp_path) == []
