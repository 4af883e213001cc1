"""The JSON message: what a program of the site needs, by names that stay."""

from __future__ import annotations

import json

import pytest

from converter.result.messages.webhook import write
from tests.support.dicom.sources import dx_full, lateral
from tests.support.results.messages import a_declined_film, a_film, a_message
from tests.unit.result.messages.test_hl7 import MESSAGES


@pytest.mark.parametrize("case", MESSAGES)
def test_every_message_is_json_with_the_same_names(case: str) -> None:
    first, found = json.loads(write(a_message())), json.loads(write(MESSAGES[case]()))
    assert list(found) == list(first)
    assert found["notice"].startswith("Research use only")


def test_it_says_what_was_found_and_what_was_not_analysed() -> None:
    found = json.loads(write(a_message([a_film(dx_full(), 0.1, 0.9), a_declined_film(lateral())], revision=2)))
    assert (found["type"], found["revision"], found["positive"]) == ("report.revised", 2, True)
    assert found["highest"]["name"] == "opacity" and found["priority"] == {"suggested": "urgent", "of_order": None}
    analysed, declined = found["films"]
    assert [one["verdict"] for one in analysed["findings"]] == ["ABSENT", "PRESENT"]
    assert declined["not_analysed"]["code"] == "not-frontal" and not declined["analysed"]


def test_a_study_without_a_result_has_no_highest_finding() -> None:
    found = json.loads(write(a_message([a_declined_film(lateral())])))
    assert found["highest"] is None and found["headline"] == "AI, research use: no result; 0 of 1 film analysed"
