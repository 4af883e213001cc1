"""How far a second model agrees with the first one on the same images, in one pass over the ledger.

Memory does not grow with the images: sums, four counts and the few studies that differ most are kept of each pair.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from scp_node.ledger import ShadowRow, TwoScores

DIFFERING_MAX = 20
PAIRS_MAX = 200


@dataclass(frozen=True)
class Differing:
    """One image on which the two models are far apart."""

    sop_instance_uid: str
    first: float
    second: float
    decisions_differ: bool


@dataclass(frozen=True)
class Agreement:
    """Two models on one finding. `table`: images by decision, [first negative, first positive][second negative, second
    positive]. `correlation` (Pearson) and `kappa` (Cohen) are None where they are not defined: fewer than two images,
    or a model that always says the same."""

    route: str
    first: str
    second: str
    finding: str
    images: int
    mean_difference: float
    mean_absolute_difference: float
    correlation: float | None
    table: tuple[tuple[int, int], tuple[int, int]]
    kappa: float | None
    differing: tuple[Differing, ...]


@dataclass(frozen=True)
class Unscored:
    """Images that the first model scored and the second did not, by what was in its way."""

    route: str
    first: str
    second: str
    outcome: str
    reason: str
    images: int


@dataclass
class _Sums:
    """Running means and moments (Welford), so that long series lose no digits."""

    images: int = 0
    first: float = 0.0
    second: float = 0.0
    first_squares: float = 0.0
    second_squares: float = 0.0
    products: float = 0.0
    absolute: float = 0.0
    table: list[list[int]] = field(default_factory=lambda: [[0, 0], [0, 0]])
    differing: list[tuple[bool, float, str, TwoScores]] = field(default_factory=list)

    def add(self, sop_instance_uid: str, scores: TwoScores) -> None:
        self.images += 1
        from_first, from_second = scores.first - self.first, scores.second - self.second
        self.first += from_first / self.images
        self.second += from_second / self.images
        self.first_squares += from_first * (scores.first - self.first)
        self.second_squares += from_second * (scores.second - self.second)
        self.products += from_first * (scores.second - self.second)
        distance = abs(scores.second - scores.first)
        self.absolute += distance
        self.table[scores.first_positive][scores.second_positive] += 1
        entry = (scores.first_positive != scores.second_positive, distance, sop_instance_uid, scores)
        if len(self.differing) < DIFFERING_MAX:
            heapq.heappush(self.differing, entry)
        elif entry[:3] > self.differing[0][:3]:
            heapq.heapreplace(self.differing, entry)


def agreements(rows: Iterable[ShadowRow]) -> tuple[list[Agreement], list[Unscored]]:
    """The agreement of each pair of models on each finding by route, and what the second one did not score.

    Raises ValueError beyond PAIRS_MAX pairs: the ledger is not what this was made for.
    """
    sums: dict[tuple[str, str, str, str], _Sums] = {}
    unscored: dict[tuple[str, str, str, str, str], int] = {}
    for row in rows:
        pair = (row.route, row.model, row.shadow)
        for scores in row.scores:
            sums.setdefault((*pair, scores.finding), _Sums()).add(row.sop_instance_uid, scores)
        if row.outcome != "scored":
            key = (*pair, row.outcome, row.detail.partition(":")[0])
            unscored[key] = unscored.get(key, 0) + 1
        if len(sums) + len(unscored) > PAIRS_MAX:
            raise ValueError(f"more than {PAIRS_MAX} pairs of models, findings and reasons: ask for a shorter time")
    return (
        [_agreement(*key, one) for key, one in sorted(sums.items())],
        [Unscored(*key, images) for key, images in sorted(unscored.items())],
    )


def kappa(table: tuple[tuple[int, int], tuple[int, int]]) -> float | None:
    """Cohen's kappa: agreement beyond that of two who decide by the same shares at random."""
    (both_negative, second_only), (first_only, both_positive) = table
    images = both_negative + second_only + first_only + both_positive
    if not images:
        return None
    seen = (both_negative + both_positive) / images
    first, second = (first_only + both_positive) / images, (second_only + both_positive) / images
    expected = first * second + (1 - first) * (1 - second)
    return None if expected == 1 else (seen - expected) / (1 - expected)


def _agreement(route: str, first: str, second: str, finding: str, sums: _Sums) -> Agreement:
    spread = math.sqrt(sums.first_squares * sums.second_squares)
    (nn, np), (pn, pp) = sums.table
    table = ((nn, np), (pn, pp))
    differing = sorted(sums.differing, key=lambda entry: (not entry[0], -entry[1], entry[2]))
    return Agreement(
        route=route,
        first=first,
        second=second,
        finding=finding,
        images=sums.images,
        mean_difference=sums.second - sums.first,
        mean_absolute_difference=sums.absolute / sums.images,
        correlation=sums.products / spread if spread > 0 else None,
        table=table,
        kappa=kappa(table),
        differing=tuple(Differing(uid, scores.first, scores.second, decided) for decided, _, uid, scores in differing),
    )
