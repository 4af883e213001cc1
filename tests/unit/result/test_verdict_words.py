"""A verdict in words: what is present comes first, where it is beside it, and what was not analysed is said."""

from __future__ import annotations

from dataclasses import replace

from converter.declined import Declined
from converter.result.findings import AnalysedImage, DeclinedImage, StudyReport
from converter.result.verdict_words import (
    film_sentence,
    not_analysed_sentence,
    remarks,
)
from tests.support.dicom.sources import STUDY, dx_full, lateral
from tests.support.results.contents import judged, two_findings
from tests.support.results.reports import ALGORITHM, an_identity

NOT_FRONTAL = Declined("not-frontal", "View Position is LL")


def a_study(*images: AnalysedImage, declined: int = 0) -> StudyReport:
    others = tuple(DeclinedImage(lateral(10 + number), NOT_FRONTAL) for number in range(declined))
    return StudyReport(an_identity(STUDY), ALGORITHM, images, others, {})


def test_the_sentence_of_a_film_begins_with_what_is_present_and_most_probable() -> None:
    source = dx_full()
    absent = judged(source, 0.3)
    told = film_sentence("PA 1", AnalysedImage(source, (absent, *two_findings(source))))
    assert told == (
        "PA 1: Opacity PRESENT 90.0 % (operating threshold 42.0 %), right lung, lower zone; left lung, upper zone. "
        "Pneumonia PRESENT 70.0 % (operating threshold 42.0 %), right lung, lower zone. "
        "Pneumonia ABSENT 30.0 % (operating threshold 42.0 %)."
    )


def test_a_film_that_was_not_analysed_is_told_with_its_code_and_reason() -> None:
    assert not_analysed_sentence("lateral 10", DeclinedImage(lateral(), NOT_FRONTAL)) == (
        "lateral 10: not analysed [not-frontal]: View Position is LL."
    )


def test_what_a_report_does_not_cover_is_said_before_for_whom_it_is_not() -> None:
    told = list(remarks(replace(a_study(), left_out=("1.2.3",), gone=("1.2.4", "1.2.5"))))
    assert told[0] == "1 image of another patient in this study was left out [other-patient]: 1.2.3"
    assert told[1].startswith("2 earlier images of this study are not part of this report")
    assert told[2].startswith("Research use only. Not for diagnosis.")
