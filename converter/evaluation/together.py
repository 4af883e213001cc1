"""Several findings against each other: what was labelled, what was marked, and where one is taken for another."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from converter.evaluation.cases import Case
from converter.package.finding import FindingSpec

NONE, SEVERAL, DECLINED = "none of them", "several", "declined"


def count_together(cases: Sequence[Case], specs: Sequence[FindingSpec]) -> dict[str, Any] | None:
    """Images by what they are labelled with (rows) and what is marked (columns); None for a single finding.

    Only images with an answer to every finding. Declined images have a column of their own, and no row.
    """
    names = [spec.name for spec in specs]
    answered = [case for case in cases if set(names) <= set(case.truth)]
    if len(names) < 2 or not answered:
        return None
    kinds = [NONE, *names, SEVERAL]
    columns = [*kinds, DECLINED]
    counts = [[0] * len(columns) for _ in kinds]
    for case in answered:
        labelled = _kind([name for name in names if case.truth[name]])
        marked = [spec.name for spec in specs if case.probability.get(spec.name, 0.0) >= spec.operating_threshold]
        counts[kinds.index(labelled)][columns.index(DECLINED if case.declined else _kind(marked))] += 1
    meanings = {spec.name: spec.concept.meaning for spec in specs}
    return {
        "labelled": [meanings.get(kind, kind) for kind in kinds],
        "marked": [meanings.get(kind, kind) for kind in columns],
        "counts": counts,
    }


def _kind(findings: Collection[str]) -> str:
    return NONE if not findings else next(iter(findings)) if len(findings) == 1 else SEVERAL
