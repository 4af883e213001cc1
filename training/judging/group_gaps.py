"""Gaps between views, sexes and ages, of adults whose healthy films come from every collection that states them."""

from __future__ import annotations

from typing import Any

from converter.evaluation.cases import Case
from converter.evaluation.gaps import gaps
from training.data.cohorts import Example
from training.judging.bench import CHILDREN, DISEASED, HEALTHY, UNSEEN, Bench, NotMeasured

ADULTS = "adults, mixed sources"


def measure(bench: Bench) -> dict[str, Any]:
    """{populations: [what `gaps` says of each], left_out: [of whom nobody states anything]}. Raises NotMeasured."""
    bench.watch("gaps between groups")
    collections = dict.fromkeys((DISEASED, *HEALTHY))
    adults = [one for name in collections for one in bench.examples(name, UNSEEN)]
    stated = [one for one in adults if one.view or one.sex or one.age_years is not None]
    left_out = [
        f"{name}: nobody states view, sex or age" for name in collections if name not in {one.cohort for one in stated}
    ]
    if not any(bench.is_positive(one) for one in stated) or all(bench.is_positive(one) for one in stated):
        raise NotMeasured("no adults of both classes whose view, sex or age is known")
    answers = bench.ask_all(stated)
    cases = [
        case_of(bench, example, answer.probability[bench.finding], bool(answer.refused))
        for example, answer in zip(stated, answers, strict=True)
        if not answer.refused
    ]
    left_out.append(f"{' and '.join(CHILDREN)}: all AP, age and sex not stated")
    return {"populations": [gaps(cases, bench.name, bench.threshold, ADULTS)], "left_out": left_out}


def case_of(bench: Bench, example: Example, probability: float, refused: bool) -> Case:
    return Case(
        name=example.path.name,
        patient=example.patient_id,
        source=example.cohort,
        truth={bench.name: bench.is_positive(example)},
        probability={} if refused else {bench.name: float(probability)},
        view=example.view,
        sex=example.sex,
        age_years=example.age_years,
    )
