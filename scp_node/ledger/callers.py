"""Who has called this node, and what came of it: a row a calling AE title, called AE title and address, and no image.

Rows, and the reasons in each, are bounded: what was let in is kept before what never was, the newest before the oldest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from scp_node.ledger import watch_tables as w
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.repository import Repository

ROWS_MAX = 1_000
REASONS_MAX = 16
REASON_CHARACTERS_MAX = 300


class Tally(NamedTuple):
    """How often something happened, and when for the last time."""

    times: int
    last_at: datetime


@dataclass(frozen=True)
class CallerRecord:
    """What one caller did. AE titles are printable, whatever was sent; both are "" where none came.

    associations: those that were let in; silent: of these, those without a message. rejections: why others ended, a
    failed TLS handshake too. contexts: presentation contexts that were refused, in words, with the reason.
    """

    calling_ae_title: str
    called_ae_title: str
    address: str
    first_seen_at: datetime
    last_seen_at: datetime
    associations: int = 0
    silent: int = 0
    stored: int = 0
    refused: int = 0
    last_stored_at: datetime | None = None
    last_refused_at: datetime | None = None
    last_refusal: str = ""
    rejections: Mapping[str, Tally] = field(default_factory=dict)
    contexts: Mapping[str, Tally] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.calling_ae_title, self.called_ae_title, self.address

    def followed_by(self, later: CallerRecord) -> CallerRecord:
        """Both together, of the same caller."""
        return replace(
            self,
            last_seen_at=later.last_seen_at,
            associations=self.associations + later.associations,
            silent=self.silent + later.silent,
            stored=self.stored + later.stored,
            refused=self.refused + later.refused,
            last_stored_at=later.last_stored_at or self.last_stored_at,
            last_refused_at=later.last_refused_at or self.last_refused_at,
            last_refusal=later.last_refusal or self.last_refusal,
            rejections=_added(self.rejections, later.rejections),
            contexts=_added(self.contexts, later.contexts),
        )


class Callers(Repository):
    """Statements on callers."""

    def add(self, records: Iterable[CallerRecord]) -> None:
        """Enter what callers did since the last time."""
        for record in sorted(records, key=lambda one: one.key):  # receivers in one order
            if self._connection.execute(insert_once(self._connection, w.caller), _values(record)).rowcount:
                continue
            found = sa.select(w.caller).where(_is_of(record)).with_for_update()
            both = _record(self._connection.execute(found).one()).followed_by(record)
            self._connection.execute(sa.update(w.caller).where(_is_of(record)).values(**_values(both)))
        self._forget()

    def all(self) -> list[CallerRecord]:
        """At most ROWS_MAX, who called last first."""
        rows = self._connection.execute(sa.select(w.caller).order_by(w.caller.c.last_seen_at.desc()))
        return [_record(row) for row in rows]

    def _forget(self) -> None:
        by_worth = (w.caller.c.associations == 0, w.caller.c.last_seen_at.desc())
        worthless = sa.select(w.caller).order_by(*by_worth).offset(ROWS_MAX)
        for row in self._connection.execute(worthless).all():
            self._connection.execute(sa.delete(w.caller).where(_is_of(_record(row))))


def _is_of(record: CallerRecord) -> sa.ColumnElement[bool]:
    calling, called, address = record.key
    columns = w.caller.c
    return sa.and_(columns.calling_ae_title == calling, columns.called_ae_title == called, columns.address == address)


def _added(first: Mapping[str, Tally], later: Mapping[str, Tally]) -> Mapping[str, Tally]:
    """Both counts; of more than REASONS_MAX reasons the last ones."""
    if not later:
        return first
    both = dict(first)
    for reason, tally in later.items():
        text = reason[:REASON_CHARACTERS_MAX]
        both[text] = Tally(both[text].times + tally.times if text in both else tally.times, tally.last_at)
    newest = sorted(both.items(), key=lambda one: one[1].last_at, reverse=True)
    return dict(newest[:REASONS_MAX])


def _values(record: CallerRecord) -> dict[str, Any]:
    tallies = {
        name: {reason: [tally.times, tally.last_at.isoformat()] for reason, tally in found.items()}
        for name, found in (("rejections", record.rejections), ("contexts", record.contexts))
    }
    return vars(record) | tallies


def _record(row: sa.Row[Any]) -> CallerRecord:
    values = dict(row._mapping)
    for name in ("rejections", "contexts"):
        values[name] = {
            reason: Tally(times, datetime.fromisoformat(last_at)) for reason, (times, last_at) in values[name].items()
        }
    return CallerRecord(**values)
