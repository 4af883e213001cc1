"""Where a finding is stands in the report, coded and in words, on its page and in the heat map; where that is not
known, results are as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom.sr import MeasurementReport, srread
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage

from converter.image.gray_image import IDENTITY_AFFINE
from converter.result.encode import to_bytes
from converter.result.findings import AnalysedImage, Region
from converter.result.heatmap import Caption, draw_heatmap
from converter.result.place import Place
from converter.result.sheet.html import sr_to_html
from converter.result.structured_report import build_structured_report
from converter.result.template import built
from converter.result.unplaced import OUTSIDE_LUNGS, UNPLACED
from tests.support.dicom.sources import dx_full
from tests.support.results.report_content import children, has_concept, only_value, regions, walk
from tests.support.results.reports import ALGORITHM, a_cam, a_report, a_study_report, an_image, placed
from tests.support.results.result_assertions import assert_report

LOWER_RIGHT = Place(right=("lower",))
SITE, LATERALITY, COMMENT = "363698007", "272741003", "121106"


def at(place: Place | None, *probabilities: float) -> AnalysedImage:
    image = an_image(dx_full(), *probabilities)
    return replace(image, findings=tuple(placed(one, place) for one in image.findings))


def group_of(sr: Dataset) -> Dataset:
    return next(item for item in walk(sr) if item.get("ConceptNameCodeSequence", [{}])[0].get("CodeValue") == "125007")


@pytest.mark.parametrize(
    ("place", "laterality"),
    [
        (LOWER_RIGHT, "24028007"),
        (Place(left=("upper", "middle")), "7771000"),
        (Place(("lower",), ("middle",)), "51440002"),
    ],
)
def test_the_site_is_the_lung_with_its_side_and_the_zones_are_in_words(place: Place, laterality: str) -> None:
    group = group_of(a_report([at(place)]))
    (site,), (verdict, comment) = children(group, SITE), children(group, COMMENT)
    assert site.ConceptCodeSequence[0].CodeValue == "39607008"
    (side,) = children(site, LATERALITY)
    assert side.ConceptCodeSequence[0].CodeValue == laterality
    assert (verdict.TextValue, comment.TextValue) == ("Pneumonia PRESENT 95.1 %", place.words)


def test_what_is_outside_the_lungs_is_said_so_and_has_no_site() -> None:
    group = group_of(a_report([at(Place())]))
    assert children(group, SITE) == [] and children(group, COMMENT)[1].TextValue == "outside the outlined lungs"


def test_a_finding_that_cannot_be_placed_says_why_and_has_no_region() -> None:
    (finding,) = an_image(dx_full()).findings
    unplaced = replace(finding, regions=(), unplaced=OUTSIDE_LUNGS)
    sr = a_report([AnalysedImage(dx_full(), (unplaced,))])
    assert children(group_of(sr), COMMENT)[1].TextValue == f"not placed: {UNPLACED[OUTSIDE_LUNGS]}"
    assert children(group_of(sr), SITE) == [] and list(regions(sr)) == []


def test_each_region_has_a_group_of_its_own_with_its_place_and_no_second_verdict() -> None:
    image = an_image(dx_full())
    (finding,) = image.findings
    outline = ((9.0, 9.0), (40.0, 9.0), (40.0, 60.0), (9.0, 9.0))
    both = (replace(finding.regions[0], place=LOWER_RIGHT), Region(outline, Place(left=("upper",))))
    sr = a_report([replace(image, findings=(replace(finding, regions=both),))])
    assert_report(sr, [dx_full()], [], list(a_study_report([image]).heatmaps.values()))
    whole, first, second = (item for item in walk(sr) if has_concept(item, "125007"))
    assert [children(one, COMMENT)[-1].TextValue for one in (whole, first, second)] == [
        "right lung, lower zone; left lung, upper zone",
        "right lung, lower zone",
        "left lung, upper zone",
    ]
    assert [only_value([child.TextValue for child in children(one, "112039")]) for one in (whole, first, second)] == [
        "Pneumonia, PA 1",
        "Pneumonia, PA 1, region 1",
        "Pneumonia, PA 1, region 2",
    ]
    assert [len(children(one, "122157")) for one in (whole, first, second)] == [1, 0, 0]
    for seen, drawn in zip(regions(sr), (finding.regions[0].outline, outline), strict=True):
        np.testing.assert_allclose(seen.points, drawn, atol=1e-3)


@pytest.mark.parametrize(("place", "probability"), [(None, 0.9), (LOWER_RIGHT, 0.1)], ids=["unknown", "absent"])
def test_where_no_place_is_known_there_is_none(place: Place | None, probability: float) -> None:
    group = group_of(a_report([at(place, probability)]))
    assert children(group, SITE) == [] and len(children(group, COMMENT)) == 1, "the verdict alone"


@pytest.mark.parametrize("place", [None, LOWER_RIGHT, Place(("lower",), ("upper",)), Place()])
def test_templates_give_the_bytes_of_the_builder(place: Place | None) -> None:
    report = a_study_report([at(place)])
    sr = build_structured_report(report, Comprehensive3DSRStorage, "source", built)
    assert to_bytes(sr) == to_bytes(build_structured_report(report, Comprehensive3DSRStorage, "source"))


def test_highdicom_reads_the_site(tmp_path: Path) -> None:
    path = tmp_path / "sr.dcm"
    path.write_bytes(to_bytes(a_report([at(LOWER_RIGHT)])))
    content = srread(path).content
    assert isinstance(content, MeasurementReport)
    (group,) = content.get_image_measurement_groups()
    assert [str(site.value.meaning) for site in group.finding_sites] == ["Lung"]


def test_the_page_says_where() -> None:
    assert "right lung, lower zone" in sr_to_html(a_report([at(LOWER_RIGHT)]))
    assert "lung" not in sr_to_html(a_report([at(None)]))


def test_the_heat_map_says_where() -> None:
    film = np.full((800, 640), 96, np.uint8)
    (known,), (unknown,) = at(LOWER_RIGHT).findings, at(None).findings
    shown, before = (
        draw_heatmap(film, a_cam(), one, Caption(ALGORITHM), IDENTITY_AFFINE, 1024).astype(int)
        for one in (known, unknown)
    )
    rows = np.flatnonzero((shown != before).any(axis=(1, 2)))
    assert len(rows) and rows.max() < 100, "only a line above the film is another one"
