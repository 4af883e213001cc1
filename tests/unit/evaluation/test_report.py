"""The report: groups with intervals, declined images in the open, views judged apart, rivals on the same images."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from converter.evaluation import weighted
from converter.evaluation.cases import Case, Rival
from converter.evaluation.localisation import Localised
from converter.evaluation.metrics import auc, value
from converter.evaluation.report import Setting, build_report
from tests.unit.evaluation.cases import made_cases, manifest

SETTING = Setting("made images", "2026-01-01")


def report(cases: list[Case], setting: Setting = SETTING, rivals: tuple[Rival, ...] = ()) -> dict[str, Any]:
    return build_report(manifest(), cases, setting, rivals)


def group(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = [one for one in found["findings"][0]["groups"] if one["name"] == name]
    return dict(one)


def test_each_source_view_sex_and_age_band_is_a_group_with_intervals() -> None:
    found = report([*made_cases(), *made_cases(60, "clinic", seed=2)])
    names = [one["name"] for one in found["findings"][0]["groups"]]
    assert names[:8] == [
        "ward", "ward AP", "ward PA", "ward sex F", "ward sex M", "ward age 0-17", "ward age 18-64", "ward age 65-120",
    ]  # fmt: skip
    assert "clinic PA" in names
    assert "all images" not in names
    whole = group(found, "ward")
    assert (whole["images"], whole["patients"]) == (120, 60)
    for figure in (
        "auc",
        "average_precision",
        "sensitivity",
        "specificity",
        "precision",
        "f1",
        "accuracy",
        "brier",
        "ece",
    ):
        assert whole[figure]["low"] < whole[figure]["value"] < whole[figure]["high"]
    assert sum(group(found, f"ward {view}")["images"] for view in ("AP", "PA")) == 120


def test_sources_are_thrown_together_only_where_that_was_asked_for() -> None:
    cases = [*made_cases(), *made_cases(60, "clinic", seed=2)]
    pooled = report(cases, replace(SETTING, pooled=True))
    assert group(pooled, "all images")["images"] == 180
    alone = report(made_cases(), replace(SETTING, pooled=True))
    assert [one["name"] for one in alone["findings"][0]["sources"]] == ["ward"]


def test_images_whose_view_nobody_says_are_a_part_of_their_own() -> None:
    cases = made_cases()
    cases[:20] = [replace(case, view="") for case in cases[:20]]
    assert group(report(cases), "ward view unknown")["images"] == 20
    unsaid = report([replace(case, view="") for case in cases])
    assert not [one for one in unsaid["findings"][0]["groups"] if one["kind"] == "view"]


def test_declined_images_are_counted_listed_and_judged_both_ways() -> None:
    found = report(made_cases(declined=12))
    assert found["counts"] == {"labelled": 120, "analysed": 108, "declined": {"implausible-blank": 12}}
    whole = group(found, "ward")
    assert (whole["images"], whole["declined"]) == (108, 12)
    everyone = whole["declined_as_negative"]
    assert everyone["images"] == 120
    missed = sum(case.truth["pneumonia"] for case in made_cases(declined=12)[-12:])
    assert everyone["confusion"]["fn"] == whole["confusion"]["fn"] + missed
    assert everyone["confusion"]["tp"] == whole["confusion"]["tp"]
    assert "brier" not in everyone
    assert [one["declined"]["code"] for one in found["images"] if one["declined"]] == ["implausible-blank"] * 12
    assert group(report(made_cases()), "ward")["declined_as_negative"] is None


def test_a_figure_that_rests_on_few_patients_is_not_stated_however_many_images_they_have() -> None:
    """Forty films of two patients: every sample of patients gives the same sensitivity, as if it were certain."""
    two = [replace(case, patient="a" if case.truth["pneumonia"] else "b") for case in made_cases(80)]
    found = report(two)
    whole, source = group(found, "ward"), found["findings"][0]["sources"][0]
    assert (whole["images"], whole["patients"]) == (80, 2)
    for figure in ("auc", "sensitivity", "specificity", "precision", "accuracy", "f1", "brier", "ece"):
        assert whole[figure] == {"value": None, "low": None, "high": None}
    assert source["roc"] == source["reliability"] == [] and source["within_view"] is None
    assert whole["confusion"]["tp"] + whole["confusion"]["fn"] == whole["positives"]


def test_a_model_without_a_mistake_is_not_certain_to_make_none() -> None:
    cases = [replace(case, probability={"pneumonia": 0.9 if case.truth["pneumonia"] else 0.1}) for case in made_cases()]
    rival = Rival("as good", [case.probability for case in cases])
    found = report(cases, rivals=(rival,))
    whole, source = group(found, "ward"), found["findings"][0]["sources"][0]
    for figure in ("auc", "average_precision", "sensitivity", "specificity", "precision", "accuracy", "f1"):
        assert whole[figure]["value"] == whole[figure]["high"] == 1
        assert 0.9 < whole[figure]["low"] < 1
    rarer = min(
        len({case.patient for case in cases if case.truth["pneumonia"] is present}) for present in (True, False)
    )
    assert whole["auc"]["low"] == pytest.approx(0.025 ** (1 / rarer), abs=1e-6)
    assert whole["rivals"]["as good"]["auc"] == source["within_view"]["auc"] == whole["auc"]
    assert source["within_view"]["auc_within_view"]["low"] < 1


def test_when_every_image_is_declined_there_is_no_figure_and_no_error() -> None:
    whole = group(report(made_cases(30, declined=30)), "ward")
    assert (whole["images"], whole["declined"]) == (0, 30)
    assert whole["auc"]["value"] is None


def test_the_within_view_auc_compares_only_films_of_one_view() -> None:
    cases = made_cases(400)
    within = report(cases)["findings"][0]["sources"][0]["within_view"]
    positive = np.array([case.truth["pneumonia"] for case in cases])
    score = np.array([case.probability["pneumonia"] for case in cases])
    views = np.array([case.view for case in cases])
    concordant = pairs = 0.0
    for view in ("AP", "PA"):
        inside = views == view
        weight = positive[inside].sum() * (~positive[inside]).sum()
        concordant, pairs = concordant + weight * auc(positive[inside], score[inside]), pairs + weight
    assert within["auc_within_view"]["value"] == pytest.approx(concordant / pairs, abs=1e-6)
    assert within["auc"]["value"] == pytest.approx(auc(positive, score), abs=1e-6)
    assert within["difference"]["high"] < 0  # these scores lean on the view
    assert 0 < within["kept"] < 1
    assert within["auc_of_the_view_alone"] == pytest.approx(auc(positive, (views == "AP").astype(float)), abs=1e-6)


def test_a_model_that_sees_only_the_view_keeps_nothing_within_it() -> None:
    cases = [replace(case, probability={"pneumonia": 0.9 if case.view == "AP" else 0.1}) for case in made_cases(200)]
    within = report(cases)["findings"][0]["sources"][0]["within_view"]
    assert within["auc"]["value"] > 0.6
    assert within["auc_within_view"]["value"] == 0.5
    assert within["kept"] == 0


def test_a_rival_is_compared_on_the_images_that_both_analysed() -> None:
    cases = made_cases(declined=10)
    weaker = [{"pneumonia": 0.5 + 0.3 * (case.probability.get("pneumonia", 0.5) > 0.6)} for case in cases]
    weaker[0] = {}
    found = report(cases, rivals=(Rival("older", weaker, {"pneumonia": 0.7}), Rival("ranks only", weaker)))
    first, second = found["findings"][0]["sources"][0]["comparisons"]
    assert (first["rival"], first["images"]) == ("older", 109)
    assert set(first["difference"]) == {"auc", "sensitivity", "specificity"}
    assert set(second["difference"]) == {"auc"}
    assert first["difference"]["auc"]["value"] == pytest.approx(first["delong"]["difference"], abs=1e-6)
    rival = group(found, "ward")["rivals"]["older"]
    assert rival["images"] == 109 and rival["auc"]["value"] is not None


def test_boxes_are_judged_over_the_images_that_have_them() -> None:
    cases = made_cases()
    with_boxes = [
        replace(case, localised={"pneumonia": Localised(n % 2 == 0, 0.5, 0.25, 0.1)})
        for n, case in enumerate(cases[:40])
    ]
    found = report([*with_boxes, *cases[40:]])["findings"][0]["sources"][0]["localisation"]
    assert found["images"] == 40
    assert (found["pointed"]["value"], found["energy"]["value"], found["overlap"]["value"]) == (0.5, 0.5, 0.25)
    assert report(cases)["findings"][0]["sources"][0]["localisation"] is None
    few = report([*with_boxes[:8], *cases[8:]])["findings"][0]["sources"][0]["localisation"]
    assert few["images"] == 8 and few["pointed"]["value"] is None


def test_an_image_that_nobody_judged_for_a_finding_is_not_judged_for_it() -> None:
    cases = [*made_cases(40), Case("unjudged.png", "x", "ward", {}, {"pneumonia": 0.9})]
    found = report(cases)
    assert group(found, "ward")["images"] == 40
    assert len(found["images"]) == 41


def test_a_report_is_json_and_names_no_patient() -> None:
    cases = [replace(case, patient=f"ID-{case.patient}") for case in made_cases(declined=3)]
    text = json.dumps(report(cases), allow_nan=False)
    assert "ID-ward" not in text
    assert "film-3.png" in text


def test_average_precision_of_a_known_ranking() -> None:
    # ranks 1 and 3 of 4 are positive: (1/1 + 2/3) / 2
    positive, score = np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.6])
    assert value(weighted.average_precision, positive, score) == pytest.approx(5 / 6)
