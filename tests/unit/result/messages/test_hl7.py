"""ORU^R01: what a report says arrives in its field, whatever the texts hold, and libraries of others can read it."""

from __future__ import annotations

from typing import Any

import hl7
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from converter.result.messages.content import StudyMessage
from converter.result.messages.er7 import Repetitions, Segment, encoded
from converter.result.messages.hl7 import CHARSETS, write
from tests.support.dicom.sources import cr_japanese, dx_full, lateral
from tests.support.results.messages import a_declined_film, a_film, a_message


def parsed(message: StudyMessage) -> Any:
    return hl7.parse(write(message).decode(CHARSETS[message.options.charset][1]))


def observations(message: StudyMessage, code: str = "") -> list[Any]:
    return [one for one in parsed(message).segments("OBX") if not code or str(one[3][0][0]) == code]


def field(segment: Any, number: int) -> str:
    return str(segment[number]) if len(segment) > number else ""


def named(**values: object) -> Dataset:
    ds = dx_full()
    ds.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


MESSAGES = {
    "one positive finding": lambda: a_message(),
    "one negative finding": lambda: a_message([a_film(dx_full(), 0.02)]),
    "several findings and films": lambda: a_message(
        [
            a_film(dx_full(), 0.02, 0.97, notes=("no View Position",)),
            a_film(lateral(7), 0.6),
            a_declined_film(lateral()),
        ]
    ),
    "declined films only": lambda: a_message([a_declined_film(lateral(3)), a_declined_film(lateral(4))]),
    "a Japanese name": lambda: a_message([a_film(cr_japanese())]),
    "a correction": lambda: a_message(revision=3, status="final"),
    "images of another patient": lambda: a_message(left_out=2),
    "no accession number": lambda: a_message([a_film(named(AccessionNumber=""))]),
    "nothing of the patient": lambda: a_message(
        [a_film(named(PatientID="", PatientName="", PatientBirthDate="", PatientSex="", AccessionNumber=""))]
    ),
    "a long name": lambda: a_message([a_film(named(PatientName="M" * 60 + "^" + "N" * 200, PatientID="1" * 64))]),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_hl7apy_finds_nothing_wrong_with_the_message(case: str) -> None:
    text = write(MESSAGES[case]()).decode()
    message = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)
    assert message.validate()
    assert message.msh.msh_9.to_er7() == "ORU^R01^ORU_R01"


@pytest.mark.parametrize("case", MESSAGES)
def test_each_line_ends_with_a_carriage_return_and_has_no_control_character(case: str) -> None:
    data = write(MESSAGES[case]())
    assert data.endswith(b"\r") and b"\n" not in data
    assert all(byte >= 0x20 or byte == 0x0D for byte in data)


def test_verdict_probability_threshold_and_site_of_a_finding_are_told_together() -> None:
    verdict, probability, site = (one for one in observations(a_message()) if field(one, 4) == "1.1")
    assert (field(verdict, 3), field(verdict, 5), field(verdict, 8)) == (
        "233604007^Pneumonia^SCT",
        "52101004^Present^SCT",
        "A",
    )
    assert (field(probability, 5), field(probability, 7)) == ("95.1", "<42.0")
    assert str(probability[6][0][0]) == "%"
    assert field(site, 5) == "right lung, lower zone"


def test_an_absent_finding_is_normal_and_has_no_site() -> None:
    verdict, probability = (
        one for one in observations(a_message([a_film(dx_full(), 0.018)])) if field(one, 4) == "1.1"
    )
    assert (field(verdict, 5), field(verdict, 8), field(probability, 5)) == ("272519000^Absent^SCT", "N", "1.8")


def test_a_film_that_was_not_analysed_is_named_with_its_reason_and_without_a_result() -> None:
    (declined,) = observations(a_message([a_film(dx_full()), a_declined_film(lateral())]), "NOTANALYSED")
    assert (field(declined, 5), field(declined, 11)) == ("the view is lateral or oblique [not-frontal]", "X")


@pytest.mark.parametrize(
    ("status", "revision", "said"),
    [("preliminary", 1, "P"), ("preliminary", 2, "P"), ("final", 1, "F"), ("final", 2, "C")],
)
def test_the_status_says_what_the_site_chose_and_what_is_a_correction(status: str, revision: int, said: str) -> None:
    message = a_message(status=status, revision=revision)
    assert field(parsed(message).segment("OBR"), 25) == said
    assert {field(one, 11) for one in observations(message)} == {said}


def test_the_same_report_has_the_same_message_and_another_revision_another_id() -> None:
    first, again, later = a_message(), a_message(), a_message(revision=2)
    assert write(first) == write(again)
    assert first.message_id != later.message_id and len(first.message_id) == 20
    assert field(parsed(first).segment("MSH"), 10) == first.message_id


@pytest.mark.parametrize(
    ("probability", "order", "options", "expected"),
    [
        (0.95, None, {}, "A"),
        (0.95, "STAT", {}, "S"),
        (0.95, "LOW", {"raise_priority": "stat"}, "S"),
        (0.95, "HIGH", {"raise_priority": "no"}, "A"),
        (0.95, None, {"raise_priority": "no"}, None),
        (0.95, None, {"raise_for": ("opacity",)}, None),
        (0.95, None, {"raise_for": ("pneumonia",)}, "A"),
        (0.01, None, {}, None),
        (0.01, "STAT", {}, "S"),
        (0.01, "ROUTINE", {"raise_priority": "stat"}, "R"),
    ],
)
def test_a_priority_is_raised_by_a_positive_finding_and_never_lowered(
    probability: float, order: str | None, options: dict[str, Any], expected: str | None
) -> None:
    source = dx_full()
    if order is not None:
        source.RequestedProcedurePriority = order
    found = list(parsed(a_message([a_film(source, probability)], **options)))
    priorities = [str(one[9][0][0]) for one in found if str(one[0]) == "TQ1"]
    assert priorities == ([] if expected is None else [expected])


def test_an_order_is_found_by_its_numbers_and_by_the_accession_number_without_them() -> None:
    request = parsed(a_message([a_film(named(AccessionNumber="ACC 7"))])).segment("OBR")
    assert (field(request, 3), field(request, 18)) == ("ACC 7", "ACC 7")
    item = Dataset()
    item.PlacerOrderNumberImagingServiceRequest, item.FillerOrderNumberImagingServiceRequest = "PL1", "FI1"
    request = parsed(a_message([a_film(named(RequestAttributesSequence=[item]))])).segment("OBR")
    assert (field(request, 2), field(request, 3)) == ("PL1", "FI1")
    message = a_message([a_film(named(AccessionNumber=""))])
    assert field(parsed(message).segment("OBR"), 3) == message.message_id


def test_a_name_in_three_writings_keeps_each_in_unicode_and_the_latin_one_elsewhere() -> None:
    names = parsed(a_message([a_film(cr_japanese())])).segment("PID")[5]
    assert [str(one[7][0]) for one in names] == ["A", "I", "P"]
    assert str(names[0][0]) == "Yamada" and str(names[1][0]) == "山田"
    (latin,) = parsed(a_message([a_film(cr_japanese())], charset="8859/1")).segment("PID")[5]
    assert str(latin[0]) == "Yamada"


@pytest.mark.parametrize(
    ("charset", "family"),
    [("utf-8", "Łukasiewicz-Müller"), ("8859/1", "?ukasiewicz-Müller"), ("ascii", "?ukasiewicz-Muller")],
)
def test_letters_that_a_character_set_does_not_have_are_written_plainly(charset: str, family: str) -> None:
    message = a_message([a_film(named(PatientName="Łukasiewicz-Müller^Jo"))], charset=charset)
    found = parsed(message)
    assert str(found.segment("PID")[5][0][0]) == family
    assert field(found.segment("MSH"), 18) == CHARSETS[charset][0]


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=40))
def test_whatever_a_value_holds_it_arrives_as_it_was(text: str) -> None:
    data = encoded(
        [Segment("MSH", {}), Segment("ZZZ", {1: ("a", text, "b"), 2: Repetitions(((text,), ("x",))), 3: "end"})],
        "utf-8",
    )
    found = hl7.parse("MSH|^~\\&|\r" + data.decode().split("\r")[1])
    segment = found.segment("ZZZ")
    assert len(segment) == 4 and field(segment, 3) == "end"
    assert found.unescape(str(segment[1][0][1])) == text
    assert found.unescape(str(segment[2][0])) == text and str(segment[2][1]) == "x"


@given(
    name=st.text(max_size=100),
    patient_id=st.text(max_size=70),
    description=st.text(max_size=70),
    charset=st.sampled_from(sorted(CHARSETS)),
)
def test_no_text_of_a_header_breaks_the_message(name: str, patient_id: str, description: str, charset: str) -> None:
    source = named(PatientName=name, PatientID=patient_id, StudyDescription=description)
    message = a_message([a_film(source)], charset=charset)
    segments = write(message).decode(CHARSETS[charset][1]).split("\r")
    assert [one[:3] for one in segments[:5]] == ["MSH", "PID", "ORC", "OBR", "TQ1"]
    assert all(one.startswith("OBX|") for one in segments[5:-1]) and segments[-1] == ""
    assert segments[0].split("|")[9] == message.message_id
