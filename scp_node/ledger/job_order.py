"""In which order jobs of a queue are begun that are due: the more urgent ones have a head start, and no more.

A job is as far in front as if it had been due earlier by the head start of its priority. What has waited longer than
the difference of two head starts therefore goes before the more urgent job: nothing waits for ever. The order of two
jobs never changes, so that an index, and procrastinate's tickets, may hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from converter.image.priority import HIGH, LOW, PRIORITIES, ROUTINE, STAT
from scp_node.settings import Settings

OPTION = "head_starts"
# From this moment on tickets count seconds: their column has 32 bits, which last until 2092.
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_INTEGER_MAX = 2**31 - 1


@dataclass(frozen=True)
class HeadStarts:
    """In seconds, by which work of a priority goes before routine work, or behind it."""

    stat_ahead_s: float = 43200
    high_ahead_s: float = 7200
    low_behind_s: float = 7200

    def turn(self, priority: int, due_at: datetime) -> datetime:
        """Jobs are begun in the order of these moments."""
        ahead_s = {STAT: self.stat_ahead_s, HIGH: self.high_ahead_s, ROUTINE: 0.0, LOW: -self.low_behind_s}
        return due_at - timedelta(seconds=ahead_s[priority])

    def of_ticket(self, priority: int, due_at: datetime) -> int:
        """What procrastinate calls priority: the highest one goes first."""
        seconds = round((self.turn(priority, due_at) - _EPOCH).total_seconds())
        return -max(-_INTEGER_MAX, min(_INTEGER_MAX, seconds))


RANKS = range(len(PRIORITIES))
_DEFAULT = HeadStarts()


def head_starts(settings: Settings) -> HeadStarts:
    """As they are configured."""
    workers = settings.workers
    return HeadStarts(workers.stat_ahead_s, workers.high_ahead_s, workers.low_behind_s)


def go_by(engine: sa.Engine, these: HeadStarts) -> None:
    """Have every connection of the engine go by these head starts."""
    engine.update_execution_options(**{OPTION: these})


def head_starts_of(connection: sa.Connection) -> HeadStarts:
    found: HeadStarts = connection.get_execution_options().get(OPTION, _DEFAULT)
    return found
