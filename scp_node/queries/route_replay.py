"""What the routes of another configuration would do with the images that came, by the headers that the ledger keeps.

Only routes are asked. What a model was made for, and what its input gate says of the pixels, is not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from converter.image.priority import PRIORITIES
from converter.image.routing_header import kept_header
from scp_node.analysis.routing import RouteChoice, choose_by_header
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.settings import Settings

IMAGES_MAX = 20_000
FateState = Literal["taken", "declined", "turned-away"]
# What may change for a study, as it is told.
CHANGES = ("taken", "declined", "route", "model", "destinations", "priority", "reason")


@dataclass(frozen=True)
class Fate:
    """What becomes of an image: a route takes it or declines it with a `code`, or no route does (`route` is None), or
    its sender is turned away. `to`: who gets the results, or hears of the refusal."""

    state: FateState
    route: str | None = None
    model: str | None = None
    to: tuple[str, ...] = ()
    priority: str | None = None
    code: str | None = None

    def changes_to(self, after: Fate) -> tuple[str, ...]:
        """Which of `CHANGES` there are from this one to `after`."""
        if (self.state == "taken") != (after.state == "taken"):
            return ("taken",) if after.state == "taken" else ("declined",)
        if self.route is None or after.route is None:  # nobody hears of such a refusal
            return () if self == after else ("reason",)
        differing = {
            "route": self.route != after.route,
            "model": self.model != after.model,
            "destinations": set(self.to) != set(after.to),
            "priority": self.priority != after.priority,
            "reason": (self.state, self.code) != (after.state, after.code),
        }
        return tuple(name for name, differs in differing.items() if differs)


@dataclass(frozen=True)
class Move:
    """So many images of a study would have another fate."""

    before: Fate
    after: Fate
    images: int


@dataclass(frozen=True)
class ChangedStudy:
    """A study of which at least one image would have another fate; `changes`: some of `CHANGES`."""

    study_instance_uid: str
    accession_number: str
    first_received_at: datetime
    changes: tuple[str, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class RouteReplay:
    """`images` were asked about, of `studies`; `unchanged` of them have the same fate, of `unknown` no header is kept:
    it could not be read, nobody has looked at it yet, or an older release has. `changes`: how many studies there are
    with each of `CHANGES`. `is_cut`: there are more images than were asked about, the newest were."""

    since: datetime
    images: int
    studies: int
    unchanged: int
    unknown: int
    is_cut: bool
    changes: Mapping[str, int]
    changed_studies: tuple[ChangedStudy, ...]


@dataclass
class _Tried:
    """A study, and the fates of its images so far."""

    accession_number: str
    first_received_at: datetime
    moves: Counter[tuple[Fate, Fate]] = field(default_factory=Counter)

    def changed(self, uid: str) -> ChangedStudy:
        found = {name for before, after in self.moves for name in before.changes_to(after)}
        names = tuple(name for name in CHANGES if name in found)
        moves = tuple(Move(*fates, images) for fates, images in self.moves.most_common())
        return ChangedStudy(uid, self.accession_number, self.first_received_at, names, moves)


def replay_routes(
    tx: Transaction, since: datetime, before: Settings | None, after: Settings, images_max: int = IMAGES_MAX
) -> RouteReplay:
    """Ask the routes of `after` about the images of the studies that came since then, the newest `images_max` at most,
    the newest study first. They are compared with what the routes of `before` say; without it, with what became of each
    image: its route and model then."""
    asked = _Asked(before, after)
    tried: dict[str, _Tried] = {}
    images = unknown = unchanged = 0
    is_cut = False
    for row in _rows(tx, since, images_max + 1):
        if images == images_max:
            is_cut = True
            break
        images += 1
        study = tried.setdefault(row.study_instance_uid, _Tried(row.accession_number, row.first_received_at))
        if row.header is None:
            unknown += 1
            continue
        fates = asked.fates(row)
        if fates[0].changes_to(fates[1]):
            study.moves[fates] += 1
        else:
            unchanged += 1
    changed = tuple(study.changed(uid) for uid, study in tried.items() if study.moves)
    counts = Counter(name for study in changed for name in study.changes)
    ordered = {name: counts[name] for name in CHANGES}
    return RouteReplay(since, images, len(tried), unchanged, unknown, is_cut, ordered, changed)


def _rows(tx: Transaction, since: datetime, limit: int) -> sa.CursorResult[Any]:
    judged = sa.and_(
        t.version.c.sop_instance_uid == t.instance.c.sop_instance_uid,
        t.version.c.version == t.instance.c.judged_version,
    )
    names = ("study_instance_uid", "source", "calling_ae_title", "route", "model", "decline_code", "priority")
    newest = (
        sa.select(t.study).where(t.study.c.first_received_at >= since).order_by(t.study.c.first_received_at.desc())
    ).limit(limit)
    study = newest.subquery("newest")
    wanted = (
        sa.select(
            *(t.instance.c[name] for name in names),
            study.c.accession_number,
            study.c.first_received_at,
            t.version.c.header,
        )
        .join_from(study, t.instance, study.c.study_instance_uid == t.instance.c.study_instance_uid)
        .outerjoin(t.version, judged)
        .order_by(study.c.first_received_at.desc(), study.c.study_instance_uid, t.instance.c.received_at)
        .limit(limit)
    )
    return tx.connection.execute(wanted)


class _Asked:
    """Remembers what was said of a header: many images have the same."""

    def __init__(self, before: Settings | None, after: Settings) -> None:
        self._before, self._after = before, after
        self._said: dict[tuple[int, str, str], Fate] = {}

    def fates(self, row: sa.Row[Any]) -> tuple[Fate, Fate]:
        after = self._fate(self._after, row)
        if self._before is not None:
            return self._fate(self._before, row), after
        return _recorded(row, after, self._after), after

    def _fate(self, settings: Settings, row: sa.Row[Any]) -> Fate:
        source = _source_in(settings, row.source, row.calling_ae_title)
        if source is None:
            return Fate("turned-away")
        key = (id(settings), source, row.header)
        if key not in self._said:
            choice = choose_by_header(settings.routes, source, kept_header(row.header))
            self._said[key] = _fate(choice)
        return self._said[key]


def _fate(choice: RouteChoice) -> Fate:
    route, priority = choice.route, PRIORITIES[choice.rank]
    code = None if choice.declined is None else choice.declined.code
    if route is None:
        return Fate("declined", priority=priority, code=code)
    to = tuple(route.to)
    if code is not None:
        return Fate("declined", route.name, None, to, priority, code)
    return Fate("taken", route.name, route.model, to, priority)


def _source_in(settings: Settings, source: str, calling_ae_title: str) -> str | None:
    """The remote AE that an image would come from, None where it would be turned away."""
    senders = {name: ae for name, ae in settings.remote_aes.items() if ae.may_send}
    if source in senders and senders[source].ae_title == calling_ae_title:
        return source
    return next((name for name, ae in senders.items() if ae.ae_title == calling_ae_title), None)


def _recorded(row: sa.Row[Any], after: Fate, settings: Settings) -> Fate:
    """What became of an image, as far as routes had to do with it. A model may have declined what its route took, and
    a name without a version agrees with every version. Where the results went is told by the route's name today."""
    to = next((tuple(route.to) for route in settings.routes if route.name == row.route), ())
    priority = PRIORITIES[row.priority]
    if row.route is None or (row.decline_code is not None and after.state == "declined"):
        return Fate("declined", row.route, None, to, priority, row.decline_code)
    model = after.model if _is_same_model(after.model, row.model) else row.model
    return Fate("taken", row.route, model, to, priority)


def _is_same_model(configured: str | None, label: str | None) -> bool:
    """Whether a package that was used is the one that a route names. What a dead image had is not known."""
    named = (configured or "").partition("#")[0]
    return label is None or named in (label, label.partition("@")[0])
