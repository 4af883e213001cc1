"""Whether images of your own are enough to learn from and to measure by: patients with each finding, and without."""

from __future__ import annotations

from collections.abc import Sequence

from training.data.cohorts import COHORTS, Example
from training.data.recipe_data import is_published

# Of ten patients of a class at least one lies in each split; fewer leave nothing to decide or to measure by.
PATIENTS_MIN = 10


def check_enough(examples: Sequence[Example], findings: Sequence[str]) -> None:
    """End the program where an own cohort is labelled for none of `findings`, or has too few patients of a class."""
    for cohort in dict.fromkeys(example.cohort for example in examples):
        if not is_published(cohort):
            _check(cohort, [example for example in examples if example.cohort == cohort], findings)


def _check(cohort: str, examples: Sequence[Example], findings: Sequence[str]) -> None:
    known = COHORTS[cohort].findings if cohort in COHORTS else ()
    asked = [finding for finding in findings if finding in known]
    if not asked:
        raise SystemExit(
            f"{cohort} is labelled for {', '.join(known) or 'no finding'}, the recipe asks for {', '.join(findings)}: "
            "the findings of the recipe and `labels` of cohort.yaml have to use the same names"
        )
    for finding in asked:
        having = {example.patient_id for example in examples if finding in example.findings}
        without = {example.patient_id for example in examples} - having
        if not having or not without:
            word = "with" if having else "without"
            raise SystemExit(
                f"{cohort}: all {len(examples)} images are {word} {finding}; what it looks like is learned from "
                "images with and without it: two class folders, or two labels, at least"
            )
        if min(len(having), len(without)) < PATIENTS_MIN:
            raise SystemExit(
                f"{cohort}: {len(having)} patients with {finding} and {len(without)} without; at least {PATIENTS_MIN} "
                "of each are needed to learn from some, decide by others and measure on others still"
            )
