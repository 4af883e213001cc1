"""How many images and results passed each milestone in the last days, by quarters of an hour.

No table of the ledger has an index for this, because a sender would wait for it. The event table is read once, from the
first event of the window on, and after that only what was added: a look costs what happened since the last one.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.records import now_utc
from scp_node.queries.milestones import Milestone, milestone_of_event

WINDOW = timedelta(days=8)
"""Seven local days, whatever the time zone and the hour."""
BATCH_EVENTS = 20_000
SETTLED_AFTER_S, RECENT_MAX = 60.0, 2_000
"""Where several write, rows become visible in another order than that of their ids: of the newest RECENT_MAX, those
that were added within this time are counted anew at each look."""
QUARTER_MINUTES = 15

Counts = Counter[tuple[datetime, Milestone]]


class EventTally:
    """Follows the events of one ledger; thread-safe. Events that are deleted later stay counted until a restart."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger, self._clock = ledger, clock
        self._lock = threading.Lock()
        self._settled: Counts = Counter()
        self._recent: Counts = Counter()
        self._settled_id: int | None = None
        self._settled_at: datetime | None = None
        self._seen: deque[tuple[float, int]] = deque()
        self.is_whole = False

    def look(self, batches_max: int = 1) -> bool:
        """Count what was added, at most so many batches of it; False where more is there. Raises SQLAlchemyError."""
        with self._lock:
            now = now_utc()
            self.is_whole = any(self._follow(now) for _ in range(batches_max))
            for key in [key for key in self._settled if key[0] < now - WINDOW]:
                del self._settled[key]
            return self.is_whole

    def since(self, moment: datetime) -> Mapping[Milestone, int]:
        """How many passed each milestone from `moment` on."""
        found: Counter[Milestone] = Counter()
        with self._lock:
            for (quarter, name), count in self._all():
                if quarter >= moment:
                    found[name] += count
        return found

    def by_hour(self, name: Milestone, hours: int, now: datetime) -> tuple[int, ...]:
        """Of the last `hours` hours, the present one last."""
        first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
        found = [0] * hours
        with self._lock:
            for (quarter, one), count in self._all():
                place = int((quarter - first) / timedelta(hours=1)) if quarter >= first else hours
                if one == name and place < hours:
                    found[place] += count
        return tuple(found)

    def _all(self) -> Iterator[tuple[tuple[datetime, Milestone], int]]:
        yield from self._settled.items()
        yield from self._recent.items()

    def _follow(self, now: datetime) -> bool:
        """Settle a batch; True when what is left is recent, and counted."""
        with self._ledger.reading() as tx:
            highest = tx.connection.execute(sa.select(sa.func.max(t.event.c.id))).scalar_one() or 0
            if self._settled_id is None:
                self._settled_id = _last_before(tx.connection, now - WINDOW, highest)
            settled_id = self._still_settled(tx.connection, self._settled_id, highest)
            goal = min(highest, max(self._highest_before(highest), highest - RECENT_MAX))
            upto = max(settled_id, min(goal, settled_id + BATCH_EVENTS))
            self._settled += _counted(tx.connection, settled_id, upto)
            is_near = highest - upto <= RECENT_MAX
            self._recent = _counted(tx.connection, upto, highest) if is_near else Counter()
            self._settled_id, self._settled_at = upto, _moment_of(tx.connection, upto)
        return is_near

    def _still_settled(self, connection: sa.Connection, settled_id: int, highest: int) -> int:
        """The id up to which all that is there was counted: the newest events may have been erased, and SQLite gives
        their ids again."""
        if self._settled_at is None:
            return min(settled_id, highest)
        if highest >= settled_id and _moment_of(connection, settled_id) in (None, self._settled_at):
            return settled_id
        older = (t.event.c.id <= settled_id, t.event.c.at <= self._settled_at)
        last = sa.select(t.event.c.id).where(*older).order_by(t.event.c.id.desc()).limit(1)
        return connection.execute(last).scalar_one_or_none() or 0

    def _highest_before(self, highest: int) -> int:
        """The highest id that was there when others that have a lower one were still on their way; 0 at first."""
        now = self._clock()
        if self._seen and self._seen[-1][1] > highest:
            self._seen.clear()  # the newest were erased, and SQLite gives their ids again
        if not self._seen or self._seen[-1][1] != highest:
            self._seen.append((now, highest))
        while len(self._seen) > 1 and self._seen[1][0] <= now - SETTLED_AFTER_S:
            self._seen.popleft()
        return self._seen[0][1] if self._seen[0][0] <= now - SETTLED_AFTER_S else 0


def _moment_of(connection: sa.Connection, event_id: int) -> datetime | None:
    return connection.execute(sa.select(t.event.c.at).where(t.event.c.id == event_id)).scalar_one_or_none()


def _last_before(connection: sa.Connection, moment: datetime, highest: int) -> int:
    """An id such that no event of the window has a lower one: ids grow with time, but for minutes."""
    low, high = 0, highest
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            sa.select(t.event.c.id, t.event.c.at).where(t.event.c.id > middle).order_by(t.event.c.id).limit(1)
        ).one()
        if row.at < moment:
            low = row.id
        else:
            high = middle
    return low


def _counted(connection: sa.Connection, after: int, upto: int) -> Counts:
    """The milestones among the events of a span of ids."""
    found: Counts = Counter()
    if upto <= after:
        return found
    minute, name = sa.func.substr(sa.cast(t.event.c.at, sa.String), 1, 16).label("minute"), milestone_of_event()
    rows = connection.execute(
        sa.select(minute, name.label("name"), sa.func.count().label("events"))
        .where(t.event.c.id > after, t.event.c.id <= upto)
        .group_by(sa.text("minute"), sa.text("name"))
    )
    for row in rows:
        if row.name is not None:
            at = datetime.strptime(row.minute, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
            found[at.replace(minute=at.minute - at.minute % QUARTER_MINUTES), row.name] += row.events
    return found
