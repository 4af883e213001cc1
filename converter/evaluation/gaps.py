"""How far figures lie apart between views, sexes and ages: each group against all other films that state the attribute.

A gap is only real where its interval leaves out 0. Films that do not state the attribute are in neither side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from converter.evaluation import weighted
from converter.evaluation.cases import Case, Judged, age_band
from converter.evaluation.figures import enough, known
from converter.evaluation.intervals import ROUNDS, Estimate, percentile_interval, resampled
from converter.evaluation.metrics import value
from converter.evaluation.weighted import Bools, Floats, Rule, at

ATTRIBUTES = ("view", "sex", "age")


def gaps(cases: Sequence[Case], finding: str, threshold: float, name: str) -> dict[str, Any]:
    """{name, images, known, groups}: of the analysed `cases` that have an answer to `finding`.

    known: by attribute, how many images state it. groups: of each value of an attribute {attribute, value, images,
    positives} and, as {here, others, gap: {value, low, high}}, auc, sensitivity and specificity.
    """
    chosen = [case for case in cases if finding in case.truth and case.declined is None]
    judged = Judged.of(chosen, finding)
    stated = {attribute: np.array([_stated(case, attribute) for case in chosen], np.str_) for attribute in ATTRIBUTES}
    return {
        "name": name,
        "images": len(chosen),
        "known": {attribute: int((values != "").sum()) for attribute, values in stated.items()},
        "groups": [
            group for attribute, values in stated.items() for group in _groups(judged, attribute, values, threshold)
        ],
    }


def wide(found: dict[str, Any]) -> list[str]:
    """The gaps that are real, in words."""
    told = []
    for group in found["groups"]:
        for figure in ("auc", "sensitivity", "specificity"):
            gap = group[figure]["gap"]
            if gap["value"] is not None and gap["low"] is not None and (gap["low"] > 0 or gap["high"] < 0):
                told.append(
                    f"{group['attribute']} {group['value']}: {figure.replace('auc', 'AUC')} "
                    f"{group[figure]['here']:.3f}, {group[figure]['others']:.3f} in the others"
                )
    return told


def _stated(case: Case, attribute: str) -> str:
    if attribute == "age":
        return "" if case.age_years is None else age_band(case.age_years)
    return str(getattr(case, attribute))


def _groups(judged: Judged, attribute: str, values: np.ndarray, threshold: float) -> Iterator[dict[str, Any]]:
    names = sorted({*values.tolist()} - {""})
    if len(names) < 2:
        return
    rules: dict[str, tuple[Rule, tuple[Bools, ...]]] = {
        "auc": (weighted.auc, (judged.positive, ~judged.positive)),
        "sensitivity": (at(weighted.sensitivity, threshold), (judged.positive,)),
        "specificity": (at(weighted.specificity, threshold), (~judged.positive,)),
    }
    for name in names:
        inside, others = values == name, (values != name) & (values != "")
        yield {
            "attribute": attribute,
            "value": name,
            "images": int(inside.sum()),
            "positives": int(judged.positive[inside].sum()),
            **{key: _gap(judged, rule, needs, inside, others) for key, (rule, needs) in rules.items()},
        }


def _gap(judged: Judged, rule: Rule, needs: Sequence[Bools], inside: Bools, others: Bools) -> dict[str, Any]:
    """The figure inside, of the others, and their difference over samples of all patients."""
    nothing = {"value": None, "low": None, "high": None}
    if not enough(judged.patients, *(need & side for need in needs for side in (inside, others))):
        return {"here": None, "others": None, "gap": nothing}

    def difference(weights: Floats) -> Floats:
        here, there = (rule(judged.positive[side], judged.score[side], weights[:, side]) for side in (inside, others))
        return np.asarray(here - there)

    here, there = (value(rule, judged.positive[side], judged.score[side]) for side in (inside, others))
    draws = resampled(difference, judged.patients, ROUNDS, seed=0)
    gap = known(Estimate(here - there, *percentile_interval(draws)))
    return {"here": round(here, 6), "others": round(there, 6), "gap": gap}
