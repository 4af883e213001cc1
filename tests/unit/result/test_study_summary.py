"""The study in a line, and the marks beside which viewers write."""

from itertools import pairwise

import pytest

from converter.result.label_mark import label_mark
from converter.result.study_summary import StudyStatement, by_weight
from tests.support.dicom.sources import dx_full, lateral
from tests.support.results.reports import a_study_report, an_image


def test_what_is_present_outranks_what_is_more_probable_and_absent() -> None:
    weak, strong = an_image(dx_full(1), 0.43), an_image(dx_full(2), 0.41)
    summary = StudyStatement.of(a_study_report([strong, weak], heatmaps=False))
    assert (summary.film, summary.priority) == ("PA 1", "raised")
    assert summary.text == "Pneumonia PRESENT 43.0 % on PA 1. Priority: raised. 2 of 2 films analysed."


def test_nothing_lowers_a_priority() -> None:
    absent = StudyStatement.of(a_study_report([an_image(dx_full(), 0.001)], heatmaps=False))
    nothing = StudyStatement.of(a_study_report([], [lateral()], heatmaps=False))
    assert {absent.priority, nothing.priority} == {"unchanged"}
    assert nothing.highest is None and nothing.text.startswith("No verdict. ")


def test_films_of_one_weight_keep_their_order() -> None:
    images = [an_image(dx_full(number), 0.9) for number in (3, 1, 2)]
    assert [image.source.InstanceNumber for image in by_weight(images)] == [3, 1, 2]


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (440, 440), (2000, 5000), (5000, 2000)])
@pytest.mark.parametrize("count", [1, 3, 14, 100])
def test_marks_are_in_the_margin_one_below_the_other_and_enclose_nothing(rows: int, columns: int, count: int) -> None:
    marks = [label_mark(rows, columns, number, count) for number in range(count)]
    assert len(set(marks)) == count and all(len(mark) == 2 for mark in marks)
    assert all(left[1] == right[1] and 0 < left[0] < right[0] < columns / 10 for left, right in marks)
    assert all(upper[0][1] < lower[0][1] <= rows * 0.9 for upper, lower in pairwise(marks))
