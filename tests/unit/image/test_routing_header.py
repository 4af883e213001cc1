"""What is kept of a header: what routes look at, the same again when it is read back, and never much."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import DataElement, Dataset
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, tag_for_keyword

from converter.image.priority import HIGH, LOW, ROUTINE, STAT
from converter.image.routing_header import (
    SEQUENCES,
    TEXTS,
    header_of_texts,
    kept_header,
    routing_header,
)
from tests.support.dicom.phantoms import make_dx

VALUES = st.text(max_size=40) | st.text("\\AB0 ^", max_size=300) | st.text("\udcff\0x", max_size=9)
DOCUMENT_CHARS_MAX = 25_000


def put(ds: Dataset, keyword: str, text: str) -> None:
    """Unlike pydicom's own way, without a warning."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    ds.add(DataElement(tag, dictionary_VR(keyword), text, validation_mode=IGNORE))


@st.composite
def headers(draw: st.DrawFn) -> Dataset:
    """Any text in any attribute that routes look at, in items too."""
    ds = Dataset()
    for keyword in draw(st.sets(st.sampled_from([one for one in TEXTS if one != "SOPClassUID"]))):
        put(ds, keyword, draw(VALUES))
    for keyword in draw(st.sets(st.sampled_from([*SEQUENCES]))):
        item = Dataset()
        for name in SEQUENCES[keyword]:
            put(item, name, draw(VALUES))
        setattr(ds, keyword, [item] * draw(st.integers(0, 9)))
    put(ds, "PatientAge", draw(st.sampled_from(["", "003D", "017Y", "58", "?"])))
    if draw(st.booleans()):
        ds.PixelData = b"\0\0"
    return ds


@given(headers())
def test_a_header_that_is_read_back_is_the_same(ds: Dataset) -> None:
    header = routing_header(ds)
    again = kept_header(header.document().encode().decode())
    assert again.document() == header.document()
    assert again.age_years == header.age_years and again.requested_rank == header.requested_rank
    assert ("PixelData" in again.ds) == ("PixelData" in ds)


def test_nothing_in_it_names_the_patient() -> None:
    ds = make_dx(rows=64, columns=64, PatientName="Doe^Jane", PatientID="4711", PatientBirthDate="19700101")
    document = routing_header(ds).document()
    assert "Doe" not in document and "4711" not in document and "1970" not in document
    assert {*json.loads(document)} <= {*TEXTS, *SEQUENCES, "PixelData", "age_years"}


@pytest.mark.filterwarnings("ignore")
def test_however_much_a_header_says_little_is_kept() -> None:
    ds = make_dx(rows=64, columns=64)
    for keyword in TEXTS:
        if keyword != "SOPClassUID":
            setattr(ds, keyword, ["\N{SNOWMAN}" * 10_000] * 100)
    for keyword, of_item in SEQUENCES.items():
        item = Dataset()
        for name in of_item:
            setattr(item, name, "x" * 10_000)
        setattr(ds, keyword, [item] * 1000)
    assert len(routing_header(ds).document()) < DOCUMENT_CHARS_MAX


def with_request(**attributes: Any) -> Dataset:
    item = Dataset()
    for keyword, text in attributes.items():
        put(item, keyword, text)
    ds = Dataset()
    ds.RequestAttributesSequence = [item]
    return ds


@pytest.mark.parametrize(
    ("said", "rank"),
    [
        ("STAT", STAT),
        ("stat ", STAT),
        ("HIGH", HIGH),
        ("ROUTINE", ROUTINE),
        ("MEDIUM", ROUTINE),
        ("LOW", LOW),
        ("", None),
        ("URGENT", None),
    ],
)
def test_a_requested_priority_is_read_where_the_standard_has_it(said: str, rank: int | None) -> None:
    for keyword in ("RequestedProcedurePriority", "ScheduledProcedureStepPriority"):
        ds = Dataset()
        put(ds, keyword, said)
        assert routing_header(ds).requested_rank == rank
        assert routing_header(with_request(**{keyword: said})).requested_rank == rank
        assert header_of_texts({keyword: said}).requested_rank == rank


def test_of_several_priorities_the_most_urgent_counts() -> None:
    ds = with_request(RequestedProcedurePriority="HIGH")
    ds.RequestedProcedurePriority = "LOW"
    assert routing_header(ds).requested_rank == HIGH
