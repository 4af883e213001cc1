"""What is left where several machines write to one object store: objects that no row names, and copies of what another
machine has removed.

An object without a row comes of a sender that was told 0xA700 after its object was kept, or of a job that died. It may
be taken up at any time by whoever brings the same bytes again, who takes the mark of it away first (see Removals). It
is therefore marked, and goes when after a long wait the mark is still there and no row has come.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice

import sqlalchemy as sa

from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.records import now_utc
from scp_node.ledger.spool_names import names_beginning, still_named
from scp_node.storage.blobs import Blobs

log = logging.getLogger(__name__)
SHARDS = 256
# What came after the last backup of a database can be found again for so long. And a transaction that has looked for a
# mark before it was made has ended.
OLD, WAIT = timedelta(days=7), timedelta(hours=6)
EVERY_S = 900.0
COPIES_AT_ONCE = 5000


class StraySweep:
    """Looks every EVERY_S seconds at the copies of this machine, and at one of 256 shards of the store; where the bytes
    are files of a spool there is nothing of either."""

    def __init__(self, ledger: Ledger, blobs: Blobs, clock: Callable[[], datetime] = now_utc) -> None:
        self._ledger, self._blobs, self._clock = ledger, blobs, clock
        self._shard = random.randrange(SHARDS)
        self._next_at = 0.0

    def sweep_when_due(self) -> None:
        """The next look, unless the last one was just now."""
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + EVERY_S
            self.drop_copies()
            self._shard = (self._shard + 1) % SHARDS
            self.sweep_shard(self._shard)

    def drop_copies(self) -> int:
        """Drop copies of what no row names any more; returns how many. One whose row is still to come is read again."""
        dropped = 0
        copies = self._blobs.copies()
        while names := list(islice(copies, COPIES_AT_ONCE)):
            with self._ledger.reading() as tx:
                gone = set(names) - still_named(tx.connection, names)
            self._blobs.drop_copies(sorted(gone))
            dropped += len(gone)
        return dropped

    def sweep_shard(self, shard: int) -> int:
        """Mark the objects of a shard that no row names; returns how many are to be removed now, because they were
        marked long ago."""
        now, prefix = self._clock(), f"{shard:02x}"
        began_at = self._first_study_at()
        old = set() if began_at is None else set(self._blobs.names(shard, began_at, now - OLD))
        if not old:
            return 0
        with self._ledger.reading() as tx:
            named = names_beginning(tx.connection, prefix)
            marked = tx.removals.strays(prefix)
        strays = old - named
        due = sorted(name for name, at in marked.items() if name in strays and at <= now - WAIT)
        new, named_again = sorted(strays - marked.keys()), sorted(marked.keys() & named)
        if due or new or named_again:
            with self._ledger.transaction() as tx:
                tx.removals.mark_strays(new, now)
                tx.removals.release_strays(due, now)
                tx.removals.forget(named_again)
            log.info("objects without a row", extra={"marked": len(new), "removed": len(due)})
        return len(due)

    def _first_study_at(self) -> datetime | None:
        """Since when this ledger knows studies. An object that is older is of a ledger that was lost, or of another
        one, and nobody's to remove."""
        with self._ledger.reading() as tx:
            found: datetime | None = tx.connection.execute(
                sa.select(sa.func.min(t.study.c.first_received_at))
            ).scalar_one()
        return found
