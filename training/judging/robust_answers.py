"""Whether answers hold when films are changed: children's, and adults' whose healthy films are of mixed sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from converter.evaluation.changes import CHANGES
from converter.evaluation.robustness import LabelledFilms, robustness
from training.data.cohorts import Example
from training.judging.bench import (
    CHILDREN,
    DISEASED,
    HEALTHY,
    UNSEEN,
    Bench,
    NotMeasured,
    balanced,
    films_of,
    patients_of,
)


def measure(bench: Bench) -> dict[str, Any]:
    """{populations: [what `robustness` says of each], left_out: [why others are not there]}. Raises NotMeasured where
    no population can be measured."""
    found, left_out = [], []
    for name, choose in (("children, devtest", children), ("adults, mixed sources, val + devtest", adults)):
        try:
            chosen = choose(bench)
        except NotMeasured as error:
            left_out.append(f"{name}: {error}")
            continue
        found.append(
            robustness(labelled(bench, name, chosen), bench.package, bench.finding, CHANGES, _watch(bench, name))
        )
    if not found:
        raise NotMeasured("; ".join(left_out))
    return {"populations": found, "left_out": left_out}


def children(bench: Bench) -> list[Example]:
    """Films of children, half of them healthy; of a film that is there in two sizes, the larger one."""
    chosen: dict[str, Example] = {}
    for cohort in CHILDREN:
        for example in bench.examples(cohort, ["devtest"]):
            chosen.setdefault(example.path.stem, example)
    return both_classes(bench, list(chosen.values()))


def adults(bench: Bench) -> list[Example]:
    """Films of adults, half of them healthy, these of every collection."""
    diseased = [one for one in bench.examples(DISEASED, UNSEEN) if bench.is_positive(one)]
    healthy = [one for cohort in HEALTHY for one in bench.examples(cohort, UNSEEN) if not one.positive]
    return both_classes(bench, [*diseased, *healthy])


def both_classes(bench: Bench, examples: Sequence[Example]) -> list[Example]:
    positive = [bench.is_positive(example) for example in examples]
    if len({*positive}) < 2:
        raise NotMeasured("all films have the same label")
    return balanced(examples, positive, bench.films_max)


def labelled(bench: Bench, name: str, examples: Sequence[Example]) -> LabelledFilms:
    positive = np.array([bench.is_positive(example) for example in examples], dtype=bool)
    return LabelledFilms(name, list(films_of(examples)), positive, patients_of(examples))


def _watch(bench: Bench, name: str) -> Callable[[str], None]:
    return lambda change: bench.watch(f"{name}: {change}")
