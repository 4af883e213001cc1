"""The page: all that the report says, nothing fetched, no file and no patient named, well-formed plots."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from converter.evaluation.cases import Case, Rival
from converter.evaluation.gallery import HIT, KINDS, MISS, PICTURES_A_KIND, PICTURES_MAX, Gallery
from converter.evaluation.localisation import Localised
from converter.evaluation.page import NOTICE, draw_page
from converter.evaluation.report import Setting, build_report
from converter.evaluation.wording import decimal, in_a_sentence, p_value, percent, signed
from converter.package.manifest import Manifest
from converter.phantom.chest_sketch import sketch_chest
from tests.support.pages.page_checks import PageReader, problems_of
from tests.unit.evaluation.cases import made_cases, manifest
from tests.unit.package.test_manifest import valid_manifest

SHAPES = {"path", "circle", "rect", "polyline"}


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def full_report() -> dict[str, Any]:
    """Two sources, declined images, a rival, boxes, files that were not judged: every part of the page is there."""
    cases = [*made_cases(declined=6), *made_cases(60, "clinic", seed=2)]
    cases[:30] = [replace(case, localised={"pneumonia": Localised(True, 0.5, 0.3, 0.1)}) for case in cases[:30]]
    rival = Rival(
        "older 0.9.0", [{"pneumonia": 0.5 + 0.4 * case.truth["pneumonia"]} for case in cases], {"pneumonia": 0.7}
    )
    unjudged = {"unreadable": [{"file": "broken-file.dcm", "code": "unreadable", "message": "ends too early"}]}
    setting = Setting("the images of two wards", "2026-01-02", {"ward": "devtest"}, True, False, unjudged)
    report = build_report(manifest(), cases, setting, [rival])
    report["notes"] = [{"title": "Size", "text": "does not leak <at all>"}]
    return report


def films(cases: list[Case]) -> Gallery:
    gallery = Gallery("pneumonia", manifest().findings[0].operating_threshold)
    rng, chest = np.random.default_rng(4), (sketch_chest(300, 360) * 255).astype(np.uint8)
    for number, case in enumerate(cases, 1):
        if case.declined is None:
            gallery.add(number, case, chest, rng.normal(size=(8, 8)).astype(np.float32))
    return gallery


def test_the_page_fetches_nothing_and_is_well_formed() -> None:
    pictures = {"pneumonia": list(films(made_cases()).pictures())}
    page = draw_page(full_report(), pictures)
    assert problems_of(page) == []
    fetched = PageReader(page).fetched
    assert fetched and all(address.startswith("data:image/jpeg;base64,") for address in fetched)
    assert "loading=" not in page  # the pictures are in the page already; a printer must not find empty frames


def test_every_plot_is_xml_with_finite_numbers() -> None:
    plots = re.findall(r"<svg.*?</svg>", draw_page(full_report(), {}), re.DOTALL)
    assert len(plots) > 10
    for plot in plots:
        root = ElementTree.fromstring(plot)
        assert root.tag == "svg" and any(child.tag in SHAPES for child in root)
        assert "nan" not in plot and "None" not in plot


def test_the_page_names_neither_files_nor_patients() -> None:
    report = full_report()
    page = draw_page(report, {})
    assert "film-3.png" in str(report["images"])
    assert "film-" not in page and "broken-file" not in page
    assert "ward:1" not in page


def test_the_page_says_what_the_report_says() -> None:
    report = full_report()
    words = text_of(draw_page(report, {}))
    assert NOTICE in words
    for group in report["findings"][0]["groups"]:
        for figure, write in (("auc", decimal), ("sensitivity", percent), ("specificity", percent), ("ece", decimal)):
            value = write(group[figure]).partition(" (")[0]
            assert value in words
    assert "180 labelled images: 174 analysed, 6 declined" in words
    assert "implausible-blank 6 115, 116, 117, 118, 119, 120" in words
    assert "images that could not be read: 1" in words
    assert "each of these counts as a patient of its own" in words
    assert "older 0.9.0" in words
    assert "Does the heat map lie where readers drew boxes?" in words
    assert "How much is left within one view" in words
    assert "With the declined images" in words
    assert f"How this threshold was chosen: {report['findings'][0]['threshold_rule']}." in words
    assert "fewer than 10 patients" in words
    assert "does not leak &lt;at all&gt;" in words


def test_parts_without_anything_to_say_are_left_out() -> None:
    cases = [replace(case, view="", sex="", age_years=None) for case in made_cases()]
    words = text_of(draw_page(build_report(manifest(), cases, Setting("images", "2026-01-02")), {}))
    for heading in (
        "By view",
        "How much is left",
        "Against other models",
        "boxes?",
        "Images to look at",
        "declined images",
    ):
        assert heading not in words


def test_names_are_text_and_not_markup() -> None:
    cases = [replace(case, source="<b>&ward", view="<i>") for case in made_cases()]
    page = draw_page(build_report(manifest(), cases, Setting("<u>images", "2026-01-02")), {})
    assert "<b>&ward" not in page and "<i>" not in page and "<u>images" not in page
    assert "&lt;b&gt;&amp;ward" in page
    assert problems_of(page) == []


def test_too_few_images_are_said_to_be_too_few() -> None:
    few = text_of(draw_page(build_report(manifest(), made_cases(12), Setting("images", "2026-01-02")), {}))
    assert re.search(r"No AUC: \d+ images with it and \d+ without, of 6 patients, are too few", few)
    none = text_of(draw_page(build_report(manifest(), made_cases(5, declined=5), Setting("images", "2026-01-02")), {}))
    assert "No image was analysed." in none
    one_class = [case for case in made_cases(80) if case.truth["pneumonia"]]
    words = text_of(draw_page(build_report(manifest(), one_class, Setting("images", "2026-01-02")), {}))
    assert "all images have the same label" in words


def test_several_findings_have_a_part_each() -> None:
    valid = valid_manifest()
    second = dict(
        valid["findings"][0], name="effusion", concept={"value": "60046008", "scheme": "SCT", "meaning": "Effusion"}
    )
    two = Manifest.model_validate({**valid, "findings": [valid["findings"][0], second]})
    cases = [
        replace(case, truth={**case.truth, "effusion": n % 2 == 0}, probability={**case.probability, "effusion": 0.2})
        for n, case in enumerate(made_cases())
    ]
    report = build_report(two, cases, Setting("images", "2026-01-02"))
    page = draw_page(report, {})
    assert "One finding taken for another" in page
    counts = np.array(report["together"]["counts"])
    both = sum(case.truth["pneumonia"] and case.truth["effusion"] for case in cases)
    assert counts.sum() == len(cases) and counts[3].sum() == both  # several findings are labelled
    assert report["together"]["labelled"][1:3] == [two.findings[0].concept.meaning, "Effusion"]
    assert not counts[:, [2, 3]].any()  # effusion stays below its threshold, so it is never marked
    assert problems_of(page) == []
    assert 'id="pneumonia"' in page and 'id="effusion"' in page and 'href="#effusion"' in page
    assert build_report(manifest(), made_cases(), Setting("images", "2026-01-02"))["together"] is None
    unlabelled = draw_page(build_report(two, made_cases(), Setting("images", "2026-01-02")), {})
    assert "No image was labelled for effusion." in unlabelled


def test_the_gallery_shows_a_few_of_each_kind_and_the_worst_misses_first() -> None:
    cases = [*made_cases(300), *made_cases(300, "clinic", seed=5)]
    pictures = list(films(cases).pictures())
    assert [sum(one.kind is kind for one in pictures) for kind in KINDS] == [PICTURES_A_KIND] * 4
    assert {one.source for one in pictures if one.kind is HIT} == {"ward", "clinic"}
    threshold = manifest().findings[0].operating_threshold
    worst = min(case.probability["pneumonia"] for case in cases if case.truth["pneumonia"] and case.source == "ward")
    missed = [one.probability for one in pictures if one.kind is MISS and one.source == "ward"]
    assert missed[0] == worst and missed == sorted(missed) and max(missed) < threshold
    assert all(one.jpeg.startswith(b"\xff\xd8\xff") and len(one.jpeg) < 40_000 for one in pictures)


def test_many_findings_share_the_pictures() -> None:
    gallery = Gallery("pneumonia", 0.5, findings=6)
    for number, case in enumerate(made_cases(200), 1):
        gallery.add(number, case, np.zeros((64, 64), np.uint8), np.ones((8, 8), np.float32))
    assert len(list(gallery.pictures())) * 6 <= PICTURES_MAX


def test_an_image_without_a_label_is_not_shown() -> None:
    gallery = Gallery("pneumonia", 0.5)
    gallery.add(
        1, Case("x", "p", "ward", {}, {"pneumonia": 0.9}), np.zeros((64, 64), np.uint8), np.ones((8, 8), np.float32)
    )
    assert list(gallery.pictures()) == []


@pytest.mark.parametrize(
    "written, words",
    [
        (decimal({"value": 0.9, "low": 0.85, "high": 0.95}), "0.900 (0.850 to 0.950)"),
        (percent({"value": 0.9, "low": 0.85, "high": 0.95}), "90.0 % (85.0 to 95.0)"),
        (signed({"value": -0.01, "low": -0.02, "high": 0.005}), "−0.010 (−0.020 to +0.005)"),
        (decimal({"value": None, "low": None, "high": None}), "–"),
        (decimal({"value": 0.5, "low": None, "high": None}), "0.500"),
        (p_value(0.00001), "p < 0.0001"),
        (p_value(0.0042), "p = 0.0042"),
        (p_value(0.2), "p = 0.20"),
        (p_value(None), "–"),
        (in_a_sentence("Pneumonia"), "pneumonia"),
        (in_a_sentence("COVID-19"), "COVID-19"),
    ],
)
def test_wording(written: str, words: str) -> None:
    assert written == words
