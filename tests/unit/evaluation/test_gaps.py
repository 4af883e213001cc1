"""A model that works for some patients only is found out, with an interval; equal groups are not accused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from converter.declined import Declined
from converter.evaluation.cases import Case
from converter.evaluation.gaps import gaps, wide
from converter.evaluation.gaps_page import gaps_section
from converter.evaluation.page import draw_page
from converter.evaluation.report import Setting, build_report
from tests.unit.evaluation.cases import manifest


def cases(number: int = 120, blind_to: str = "") -> list[Case]:
    """Right for everybody but those of sex `blind_to`, whom it answers at random."""
    rng, made = np.random.default_rng(2), []
    for n in range(number):
        present, sex = n % 4 < 2, "MF"[n % 2]
        sure = 0.3 + 0.4 * present + rng.normal(0, 0.05)
        score = rng.random() if sex == blind_to else sure
        made.append(
            Case(
                f"{n}.png", f"p{n}", "ward", {"pneumonia": present}, {"pneumonia": float(score)}, None, "PA", sex, 40.0
            )
        )
    return made


def test_a_group_for_whom_it_guesses_is_found_with_an_interval() -> None:
    found = gaps(cases(blind_to="F"), "pneumonia", 0.5, "ward")
    by_sex = {group["value"]: group for group in found["groups"]}
    assert by_sex["F"]["auc"]["here"] < 0.7 and by_sex["F"]["auc"]["others"] == 1
    assert by_sex["F"]["auc"]["gap"]["high"] < 0 < by_sex["M"]["auc"]["gap"]["low"]
    assert by_sex["F"]["sensitivity"]["gap"]["value"] == -by_sex["M"]["sensitivity"]["gap"]["value"]
    assert any(told.startswith("sex F: AUC") for told in wide(found))
    assert "sex F: AUC" in gaps_section(found)


def test_equal_groups_have_no_gap() -> None:
    found = gaps(cases(), "pneumonia", 0.5, "ward")
    assert {group["attribute"] for group in found["groups"]} == {"sex"} and wide(found) == []
    assert found["known"] == {"view": 120, "sex": 120, "age": 120}


def test_who_does_not_state_the_attribute_is_on_neither_side() -> None:
    some = [replace(case, sex="" if n % 3 == 0 else case.sex) for n, case in enumerate(cases())]
    found = gaps(some, "pneumonia", 0.5, "ward")
    assert found["known"]["sex"] == 80 and sum(group["images"] for group in found["groups"]) == 80


def test_few_patients_have_no_gap_and_declined_ones_no_part() -> None:
    few = gaps(cases(16), "pneumonia", 0.5, "ward")
    assert all(group["auc"]["gap"]["value"] is None for group in few["groups"])
    declined = [replace(one, probability={}, declined=Declined("derived", "x")) for one in cases(40)]
    assert gaps([*cases(), *declined], "pneumonia", 0.5, "ward")["images"] == 120


def test_what_nobody_states_is_said() -> None:
    bare = [replace(case, sex="", view="", age_years=None) for case in cases()]
    found = gaps(bare, "pneumonia", 0.5, "ward")
    assert found["groups"] == [] and "Nobody states the view or the sex or the age" in gaps_section(found)


def test_a_report_has_the_gaps_of_each_source() -> None:
    report = build_report(manifest(), cases(blind_to="F"), Setting("made images", "2026-01-01"))
    (source,) = report["findings"][0]["sources"]
    assert source["gaps"] == gaps(cases(blind_to="F"), "pneumonia", 0.5, "ward")
    assert "Gaps between groups" in draw_page(report, {}) and "sex F: AUC" in draw_page(report, {})
