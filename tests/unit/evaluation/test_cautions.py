"""What speaks against a model or its figures stands before them, on the page and in the JSON, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from converter.evaluation.cases import Case, Rival
from converter.evaluation.cautions import CANNOT_TELL, Overlap
from converter.evaluation.page import draw_page
from converter.evaluation.report import Setting, build_report
from converter.package.baseline import BASELINE
from converter.package.evidence import Metric
from tests.unit.evaluation.cases import made_cases, manifest
from tests.unit.evaluation.test_page import text_of

SETTING = Setting("made images", "2026-01-01")


def baseline(cases: list[Case], sure: float) -> Rival:
    """Right in the share `sure` of cases (1: always), wrong in the others."""
    rng = np.random.default_rng(3)
    right = rng.random(len(cases)) < sure
    scores = [
        {"pneumonia": float(rng.random() * 0.4 + 0.6 * (case.truth["pneumonia"] == ok))}
        for case, ok in zip(cases, right, strict=True)
    ]
    return Rival(BASELINE, scores, baseline=True)


def kinds(report: dict[str, Any]) -> list[str]:
    return [one["kind"] for one in report["cautions"]]


def test_a_baseline_that_wins_is_told_with_both_figures_and_what_to_do() -> None:
    cases = made_cases()
    report = build_report(manifest(), cases, SETTING, [baseline(cases, 1.0)])
    (caution,) = report["cautions"]
    network = report["findings"][0]["groups"][0]["auc"]["value"]
    assert caution == {
        "kind": "baseline-wins",
        "text": f"On ward, {BASELINE} has AUC 1.000, this network {network:.3f}: do not use the network.",
    }
    assert caution["text"] in text_of(draw_page(report, {}))


def test_a_baseline_that_is_behind_is_no_caution() -> None:
    cases = made_cases()
    assert build_report(manifest(), cases, SETTING, [baseline(cases, 0.5)])["cautions"] == []


def test_another_package_that_is_better_is_no_baseline() -> None:
    cases = made_cases()
    better = replace(baseline(cases, 1.0), name="other 1.0.0", baseline=False)
    assert build_report(manifest(), cases, SETTING, [better])["cautions"] == []


def test_network_and_baseline_are_compared_on_the_images_that_both_analysed() -> None:
    cases = made_cases(declined=30)
    report = build_report(manifest(), cases, SETTING, [baseline(cases, 1.0)])
    rival = report["findings"][0]["groups"][0]["rivals"][BASELINE]
    assert rival["images"] == 90 and rival["auc_of_the_model"] == report["findings"][0]["groups"][0]["auc"]["value"]


@pytest.mark.parametrize(
    ("overlap", "told"),
    [
        (Overlap(True, 7), "7 films of the 120 judged"),
        (Overlap(True, 1, 0), "1 film of the 120 judged"),
        (Overlap(True, 0, 3), "3 other films of patients"),
        (Overlap(True, 7, 3), "7 films of the 120 judged and 3 other films of patients"),
    ],
)
def test_films_that_were_learned_from_are_counted_and_told_first(overlap: Overlap, told: str) -> None:
    cases = made_cases()
    report = build_report(manifest(), cases, replace(SETTING, overlap=overlap), [baseline(cases, 1.0)])
    assert kinds(report) == ["learned-from", "baseline-wins"]
    assert told in report["cautions"][0]["text"] and "say nothing about new films" in report["cautions"][0]["text"]
    page = draw_page(report, {})
    assert told in text_of(page) and page.index('class="notice"') < page.index("What was judged")
    assert report["learned_from"] == {"known": True, "films": overlap.films, "patients": overlap.patients}


def test_whether_films_were_learned_from_is_said_to_be_unknown_where_it_is() -> None:
    report = build_report(manifest(), made_cases(), replace(SETTING, overlap=Overlap(False)))
    assert report["cautions"] == [] and CANNOT_TELL in text_of(draw_page(report, {}))


def test_that_no_film_is_known_is_said_too() -> None:
    page = draw_page(build_report(manifest(), made_cases(), replace(SETTING, overlap=Overlap(True))), {})
    assert "None of these images has the pixels of a film that the model was made from" in page


def measured(name: str, figure: float) -> Metric:
    return Metric(name=name, value=figure, low=0.5, high=1, cohort="films", split="devtest", images=40)


def test_a_site_without_a_baseline_of_its_own_reads_what_the_package_was_measured_at() -> None:
    weak = manifest().model_copy(
        update={"metrics": (measured("auc, films", 0.854), measured("baseline auc, films", 0.991))}
    )
    (caution,) = build_report(weak, made_cases(), SETTING)["cautions"]
    assert "AUC 0.991, this network 0.854: do not use the network" in caution["text"]
    strong = weak.model_copy(update={"metrics": (measured("auc, films", 0.995), measured("baseline auc, films", 0.9))})
    assert build_report(strong, made_cases(), SETTING)["cautions"] == []


def test_parts_of_a_source_are_not_told_one_by_one() -> None:
    names = ("auc, films PA", "baseline auc, films PA")
    package = manifest().model_copy(update={"metrics": tuple(measured(name, 0.9) for name in names)})
    assert build_report(package, made_cases(), SETTING)["cautions"] == []


def from_places(number: int, place: Callable[[int, bool], str], stated: bool = False) -> list[Case]:
    """`place` of the number of an image and whether it has the finding: its source, or what is known of its origin."""
    cases = []
    for n, case in enumerate(made_cases(number)):
        where = place(n, case.truth["pneumonia"])
        cases.append(replace(case, source=where) if stated else replace(case, origin=where))
    return cases


def told_of_sources(cases: list[Case], pooled: bool = True) -> list[str]:
    report = build_report(manifest(), cases, replace(SETTING, pooled=pooled))
    return [one["text"] for one in report["cautions"] if one["kind"] == "different-sources"]


@pytest.mark.parametrize("stated", [True, False])
def test_classes_of_different_sources_are_told_with_both(stated: bool) -> None:
    def place(n: int, present: bool) -> str:
        return "ward A" if present != (n % 12 == 0) else "ward B"

    (text,) = told_of_sources(from_places(120, place, stated))
    assert ("the source alone" if stated else "the device, institution or folder alone") in text
    assert "With it: ward A 9" in text and "without it: ward B 9" in text and "judge each source by itself" in text


def test_sources_with_both_classes_alike_are_not_told() -> None:
    assert told_of_sources(from_places(120, lambda n, _: f"ward {n % 3}", stated=True)) == []
    assert told_of_sources(from_places(120, lambda n, _: f"ward {n % 3}")) == []


def test_many_small_sources_are_no_proof() -> None:
    assert told_of_sources(from_places(120, lambda n, _: f"ward {n // 3}")) == []


def test_folders_that_sort_images_by_their_label_are_no_sources() -> None:
    assert told_of_sources(from_places(120, lambda _, present: "pneumonia" if present else "set/normal")) == []
    assert told_of_sources(from_places(120, lambda _, present: "one" if present else "two")) != []


def test_sources_that_are_judged_apart_are_not_told() -> None:
    cases = from_places(120, lambda _, present: "one" if present else "two", stated=True)
    assert told_of_sources(cases, pooled=False) == [] and told_of_sources(cases) != []
