"""What the one-page report takes from a Structured Report, of this version and of earlier ones."""

from dataclasses import replace

import pytest
from pydicom import Dataset

from converter.result import coding
from converter.result.content_items import children, descendants, is_named
from converter.result.place import Place
from converter.result.sheet.reading import made_at, read_report
from converter.result.sheet.records import ReportSheet
from converter.result.sheet.words import headline, second_line, verdict_of
from converter.words.catalogue import ENGLISH
from tests.support.dicom.sources import cr_latin1, dx_full, lateral
from tests.support.results.reports import CREATED_AT, a_report, an_image, placed


def _sheet(*probabilities: tuple[float, ...], declined: tuple[Dataset, ...] = ()) -> ReportSheet:
    images = [an_image(dx_full(number), *some) for number, some in enumerate(probabilities, 1)]
    return read_report(a_report(images, declined))


def test_what_is_present_comes_before_what_is_more_probable_and_absent() -> None:
    sheet = _sheet((0.41, 0.43), (0.3, 0.95))
    assert sheet.highest is not None and sheet.highest[1].percent == "95.0"
    assert [finding.percent for _, finding in sheet.also_present] == ["43.0"]
    assert (verdict_of(sheet), headline(sheet, ENGLISH)) == ("present", ("Opacity 95.0 %", "2 of 2 films analysed"))


def test_where_nothing_is_present_the_most_probable_finding_is_named_absent() -> None:
    sheet = _sheet((0.1, 0.2), (0.3,))
    assert (verdict_of(sheet), headline(sheet, ENGLISH)[0]) == ("absent", "Pneumonia 30.0 %")
    assert list(second_line(sheet, ENGLISH)) == []


def test_films_that_were_declined_count_and_say_why() -> None:
    sheet = _sheet((0.9,), declined=(lateral(),))
    (refusal,) = sheet.refusals
    assert (refusal.code, refusal.reason) == ("not-frontal", "View Position is LL")
    assert refusal.uid == lateral().SOPInstanceUID
    assert headline(sheet, ENGLISH)[1] == "1 of 2 films analysed"


def test_a_place_stands_behind_its_film() -> None:
    image = an_image(dx_full())
    image = replace(image, findings=(placed(image.findings[0], Place(right=("lower",))),))
    sheet = read_report(a_report([image]), {str(dx_full().SOPInstanceUID): "PA 1"})
    assert list(second_line(sheet, ENGLISH)) == ["PA 1: right lung, lower zone", "Suggested priority: raised"]


def test_several_groups_of_one_finding_on_one_film_are_one_finding() -> None:
    """A report that has a group for each region of a finding."""
    image = an_image(dx_full())
    image = replace(image, findings=(placed(image.findings[0], Place(right=("lower",))),))
    sr = a_report([image])
    container = next(item for item in children(sr) if is_named(item, coding.IMAGING_MEASUREMENTS))
    other = Dataset.from_json(container.ContentSequence[0].to_json())
    comment = next(item for item in children(other) if is_named(item, coding.COMMENT))
    comment.TextValue = "left lung, upper zone"
    container.ContentSequence.append(other)
    ((finding,),) = [film.findings for film in read_report(sr).films]
    assert finding.where == ("right lung, lower zone", "left lung, upper zone")


def test_a_group_without_a_region_belongs_to_the_film_that_it_names() -> None:
    sr = a_report([an_image(dx_full()), an_image(cr_latin1(), 0.1)])
    groups = [item for item in descendants(sr) if is_named(item, coding.MEASUREMENT_GROUP)]
    for group in groups:
        group.ContentSequence = [item for item in children(group) if item.ValueType != "SCOORD"]
    sheet = read_report(sr)
    assert [len(film.findings) for film in sheet.films] == [1, 1]
    assert len({film.name for film in sheet.films}) == 2


@pytest.mark.parametrize(
    ("identifier", "name"),
    [("Pneumonia, image 2", "image 2"), ("Pneumonia, AP 1", "AP 1"), ("Pneumonia, AP 1, region 2", "AP 1"),
     ("Pneumonia", "image")],
)  # fmt: skip
def test_a_film_is_called_what_the_report_calls_it(identifier: str, name: str) -> None:
    sr = a_report([an_image(dx_full())])
    tracking = next(item for item in descendants(sr) if is_named(item, coding.TRACKING_IDENTIFIER))
    tracking.TextValue = identifier
    assert [film.name for film in read_report(sr).films] == [name]


def test_the_time_of_a_report_is_that_of_its_zone() -> None:
    assert made_at(a_report([an_image(dx_full())])) == CREATED_AT.replace(microsecond=0)
    empty = a_report([an_image(dx_full())])
    empty.ContentDate = ""
    with pytest.raises(ValueError, match="match"):
        made_at(empty)


def test_a_report_that_says_hardly_anything_is_read_too() -> None:
    sheet = read_report(Dataset())
    assert (sheet.films, sheet.refusals, sheet.model, sheet.highest) == ((), (), None, None)
    assert verdict_of(sheet) == "not analysed"
