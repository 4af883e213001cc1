"""Whether scores and images of each sender are still like those that a model package was validated with. Read only.

What is compared is counted by the image jobs (scp_node.ledger.drift_counts), and compared here by the population
stability index (converter.package.stability). This is what command, metrics and console show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from converter.package.distribution import Distribution
from converter.package.stability import by_chance, references, stability_index
from scp_node.ledger import DriftRow, Ledger
from scp_node.settings import Drift

DriftState = Literal["no-reference", "too-few", "stable", "watch", "alarm"]
STATES: dict[DriftState, str] = {
    "no-reference": "the package has no section `distribution`: nothing to compare with",
    "too-few": "too few images in the window",
    "stable": "like the films the package was validated with",
    "watch": "some distance from the films the package was validated with",
    "alarm": "other films than those the package was validated with",
}
ReferenceOf = Callable[[str], Distribution | None]


@dataclass(frozen=True)
class Shift:
    """One compared number: score:FINDING, input:STATISTIC or declined. `chance`: the index that as many images would
    have if they were just like the reference."""

    name: str
    index: float
    chance: float
    images: int
    state: DriftState
    edges: tuple[float, ...]
    reference: tuple[float, ...]
    shares: tuple[float, ...]

    @property
    def beyond_chance(self) -> float:
        return self.index - self.chance


@dataclass(frozen=True)
class SenderDrift:
    """The images of one sender in the window, as one model sees them; the worst of `shifts` makes the state."""

    model: str
    ae_title: str
    station: str
    state: DriftState
    images: int
    refused: int
    declines: dict[str, int]
    shifts: tuple[Shift, ...]

    @property
    def worst(self) -> Shift | None:
        """What has moved most, of what enough images say something about."""
        told = (shift for shift in self.shifts if shift.state != "too-few")
        return max(told, key=lambda shift: shift.beyond_chance, default=None)


def drift_of(ledger: Ledger, settings: Drift, reference_of: ReferenceOf) -> list[SenderDrift]:
    """All senders of all models in the window. `reference_of`: the section of a package ('name@version'), or None."""
    with ledger.reading() as tx:
        rows = tx.drift_counts.of_days(settings.window_days)
    return compared(rows, settings, reference_of)


def compared(rows: Iterable[DriftRow], settings: Drift, reference_of: ReferenceOf) -> list[SenderDrift]:
    """As `drift_of`, over rows that were read."""
    days: dict[tuple[str, str, str], list[DriftRow]] = {}
    for row in rows:
        days.setdefault((row.model, row.ae_title, row.station), []).append(row)
    known = {model: reference_of(model) for model in {key[0] for key in days}}
    return [_sender(*key, days[key], settings, known[key[0]]) for key in sorted(days)]


def _sender(
    model: str, ae_title: str, station: str, days: list[DriftRow], settings: Drift, reference: Distribution | None
) -> SenderDrift:
    declines: Counter[str] = Counter()
    for day in days:
        declines.update(day.declines)
    shifts = () if reference is None else tuple(_shifts(days, settings, reference))
    states = [shift.state for shift in shifts]
    state: DriftState = "no-reference" if reference is None else "too-few"
    for worse in ("stable", "watch", "alarm"):
        state = worse if worse in states else state
    images, refused = sum(day.images for day in days), sum(day.refused for day in days)
    return SenderDrift(model, ae_title, station, state, images, refused, dict(sorted(declines.items())), shifts)


def _shifts(days: list[DriftRow], settings: Drift, reference: Distribution) -> Iterable[Shift]:
    for name, expected in references(reference).items():
        counts = [0] * len(expected.shares)
        for day in days:
            found = day.counts.get(name, [])
            if len(found) == len(counts):  # else it was counted for an earlier form of the package
                counts = [total + one for total, one in zip(counts, found, strict=True)]
        images = sum(counts)
        if not images:
            continue
        index = stability_index(expected, reference.images, counts)
        chance, limit = by_chance(expected, reference.images, images)
        shares = tuple(count / images for count in counts)
        state = _state(images, index - chance if index > limit else 0.0, settings)
        yield Shift(name, index, chance, images, state, expected.edges, expected.shares, shares)


def _state(images: int, beyond_chance: float, settings: Drift) -> DriftState:
    if images < settings.images_min:
        return "too-few"
    if beyond_chance >= settings.psi_alarm_min:
        return "alarm"
    return "watch" if beyond_chance >= settings.psi_watch_min else "stable"
