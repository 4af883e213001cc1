"""One sweep: what is marked goes, then what has been kept long enough, then, if the disk is nearly full, the oldest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from converter.page.counted import counted
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.records import now_utc
from scp_node.ledger.removal_records import REASONS, MarkedFiles, RemovalReason
from scp_node.ledger.removals import Removals
from scp_node.retention.candidates import LOOKED_AT_ONCE, Candidates
from scp_node.retention.files import unlink_marked
from scp_node.retention.rules import Before
from scp_node.settings import Retention
from scp_node.storage.blobs import Blobs
from scp_node.storage.previews import PreviewStore
from scp_node.telemetry import metrics

log = logging.getLogger(__name__)
STUDIES_AT_ONCE = 10
LOOKED_AT_MAX = 10_000


@dataclass
class Removable:
    """Something that goes: how it is removed, and which studies have it."""

    name: str
    mark: Callable[[Removals, str, RemovalReason, datetime], MarkedFiles]
    candidates: Candidates


class Sweep:
    """Removes what may go, some files at a time. `settings` is called anew for each sweep, `clock` tells the time."""

    def __init__(
        self,
        ledger: Ledger,
        spool: Blobs,
        previews: PreviewStore,
        settings: Callable[[], Retention],
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self._ledger, self._spool, self._previews = ledger, spool, previews
        self._settings, self._clock = settings, clock
        self._images = Removable("images", Removals.mark_images, Candidates(t.HAS_IMAGES))
        self._results = Removable("results", Removals.mark_results, Candidates(t.HAS_RESULTS))
        self._studies = Removable("studies", Removals.drop_study, Candidates(sa.true()))
        # looked at from the oldest on, however far the others have come
        self._for_room = [
            Removable("images", Removals.mark_images, Candidates(t.HAS_IMAGES)),
            Removable("results", Removals.mark_results, Candidates(t.HAS_RESULTS)),
        ]

    def sweep(self) -> int:
        """Remove what may go now, settings.files_per_sweep_max files at most; returns how many that were."""
        settings, now = self._settings(), self._clock()
        left = settings.files_per_sweep_max
        unlink_marked(self._ledger, self._spool, self._previews)  # what a process that died had not come to
        if settings.previews_days is not None:
            self._previews.sweep((now - timedelta(days=settings.previews_days)).timestamp())
        for kind, days in (
            (self._images, settings.images_days),
            (self._results, settings.results_days),
            (self._studies, settings.studies_days),
        ):
            if days is not None:
                left -= self._remove(kind, Before.of(settings, days, now), "age", left, lambda: False)
        for kind in self._for_room if settings.makes_room else ():
            left -= self._remove(kind, Before.of(settings, None, now), "disk", left, self._has_room)
            if not kind.candidates.is_at_start:  # there is more of it, further on
                break
        return settings.files_per_sweep_max - left

    def _has_room(self) -> bool:
        return self._spool.fullness().share < self._settings().makes_room_percent_min / 100

    def _is_stuck(self) -> bool:
        """Whether files are marked that cannot be unlinked: to mark more would make no room."""
        with self._ledger.reading() as tx:
            return tx.removals.count_waiting() > 0

    def _remove(
        self, kind: Removable, before: Before, reason: RemovalReason, files_max: int, is_enough: Callable[[], bool]
    ) -> int:
        """Remove what may go of a kind, oldest first, until it is enough; returns how many files that were."""
        removed, studies, looked_at, is_last = MarkedFiles(), 0, 0, False
        while not is_last and looked_at < LOOKED_AT_MAX and not is_enough():
            with self._ledger.reading() as tx:
                uids, is_last = kind.candidates.next(tx, before)
            looked_at += LOOKED_AT_ONCE
            for start in range(0, len(uids), STUDIES_AT_ONCE):
                if removed.files >= files_max or is_enough() or (reason == "disk" and self._is_stuck()):
                    kind.candidates.restart()
                    is_last = True
                    break
                count, marked = self._mark(kind, before, reason, uids[start : start + STUDIES_AT_ONCE])
                unlink_marked(self._ledger, self._spool, self._previews)
                studies, removed = studies + count, removed + marked
        if is_enough():
            kind.candidates.restart()
        self._tell(kind.name, reason, studies, removed)
        return removed.files

    def _mark(
        self, kind: Removable, before: Before, reason: RemovalReason, uids: Sequence[str]
    ) -> tuple[int, MarkedFiles]:
        """In one commit: these files are gone. Returns of how many studies, and what."""
        now, total = self._clock(), MarkedFiles()
        with self._ledger.transaction(*uids) as tx:
            confirmed = kind.candidates.confirmed(tx, before, uids)
            for uid in confirmed:
                marked = kind.mark(tx.removals, uid, reason, now)
                total += marked
                if marked.files and kind is not self._studies:
                    told = f"{counted(marked.files, 'file')} of {kind.name} removed: {REASONS[reason]}"
                    tx.events.add(uid, uid, "retention", told, at=now)
            if confirmed:
                tx.removals.count_day(now.date(), reason, total)
        return len(confirmed), total

    def _tell(self, what: str, reason: RemovalReason, studies: int, removed: MarkedFiles) -> None:
        metrics.retention_files.labels(what, reason).inc(removed.files)
        metrics.retention_bytes.labels(what, reason).inc(removed.bytes)
        if studies and (removed.files or what == "studies"):
            log.log(
                logging.WARNING if reason == "disk" else logging.INFO,
                "removed by retention",
                extra={
                    "what": what,
                    "reason": REASONS[reason],
                    "studies": studies,
                    "files": removed.files,
                    "bytes": removed.bytes,
                },
            )
