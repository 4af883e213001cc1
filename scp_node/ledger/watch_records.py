"""What is kept of how models do: what a second one says beside the first, and how unlike its own films are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from scp_node.ledger.records import ShadowOutcome


@dataclass(frozen=True)
class TwoScores:
    """What two models say about one finding: probabilities, and whether each is at or above its own threshold."""

    finding: str
    first: float
    first_positive: bool
    second: float
    second_positive: bool


@dataclass(frozen=True)
class ShadowRow:
    """What a second model made of an image that the first one had scored. `scores` are of findings both have; empty
    unless `outcome` is scored, else `detail` says why."""

    sop_instance_uid: str
    shadow: str
    model: str
    route: str
    outcome: ShadowOutcome
    detail: str
    scores: tuple[TwoScores, ...]
    scored_at: datetime


@dataclass(frozen=True)
class DriftRow:
    """Images of one sender on one day, as one model saw them. `refused`: by their header. `declines`: by code, for
    their pixels or by the gate. `counts`: by compared number, images in each bin of the package's reference."""

    model: str
    ae_title: str
    station: str
    day: date
    images: int
    refused: int
    declines: dict[str, int]
    counts: dict[str, list[int]]


@dataclass(frozen=True)
class HostSign:
    """A role of a node that works on this ledger, since when, and when it last said that it lives, by the clock of the
    database. `name` is nobody else's; `host_id` is what people call its machine."""

    name: str
    role: str
    host_id: str
    version: str
    started_at: datetime
    signed_at: datetime
