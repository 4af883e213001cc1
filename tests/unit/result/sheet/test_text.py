"""The one-page report as text for a terminal."""

from converter.result.sheet.reading import read_report
from converter.result.sheet.text import sheet_to_text
from tests.support.dicom.sources import dx_full, lateral
from tests.support.results.reports import a_report, an_image


def test_the_verdict_is_the_first_line_and_the_limits_are_the_last() -> None:
    sheet = read_report(a_report([an_image(dx_full(), 0.964)], (lateral(),)), {str(dx_full().SOPInstanceUID): "PA 1"})
    lines = sheet_to_text(sheet).splitlines()
    assert lines[0] == "Pneumonia 96.4 % PRESENT, 1 of 2 films analysed"
    assert "Suggested priority: raised" in lines[:4]
    assert any(line.startswith("  Pneumonia PRESENT 96.4 %, present from ") for line in lines)
    assert any(line.endswith("View Position is LL [not-frontal]") for line in lines)
    assert lines[-1].startswith("Research use only")


def test_nothing_that_a_report_says_begins_a_line_of_its_own() -> None:
    sr = a_report([an_image(dx_full(), 0.964)])
    sr.StudyDescription = "Chest\nPneumonia 0.1 % ABSENT"
    assert not any(line.startswith("Pneumonia 0.1") for line in sheet_to_text(read_report(sr)).splitlines())


def test_a_priority_that_stays_as_it_is_is_not_told() -> None:
    assert "priority" not in sheet_to_text(read_report(a_report([an_image(dx_full(), 0.1)]))).lower()
