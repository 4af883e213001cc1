"""What goes: files are marked first and unlinked after, and the rows of a study are deleted all together.

A mark and the row of `hilum_removal` that names the file are one commit, so that nothing is forgotten when a process
dies before it has unlinked the file. Whoever unlinks does so in a transaction in which that row is still there, and
whoever brings the same bytes again takes the row away before it relies on the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from scp_node.ledger import removal_tables as r
from scp_node.ledger import tables as t
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.removal_records import MarkedFiles, RemovalReason, RemovedDay
from scp_node.ledger.repository import Repository

# The mark of an object that no row ever named has its time so much later: nobody unlinks it until it is released.
_STRAY = timedelta(days=365_000)
_STRAYS_FROM = datetime(2500, 1, 1, tzinfo=UTC)
_IS_STRAY = r.removal.c.marked_at >= _STRAYS_FROM
_KEEP = sa.delete(r.removal).where(r.removal.c.spool_name == sa.bindparam("name"))


class Removals(Repository):
    """Statements on files and rows that go."""

    def mark_images(self, study_instance_uid: str, reason: RemovalReason, at: datetime) -> MarkedFiles:
        """The files of all versions of the images of a study go."""
        mine = t.instance.c.study_instance_uid == study_instance_uid
        uids = sa.select(t.instance.c.sop_instance_uid).where(mine)
        marked = self._mark(t.version, t.version.c.sop_instance_uid.in_(uids), reason, at)
        # the first version has no row of its own where nobody has looked at it
        marked += self._mark(t.instance, mine, reason, at)
        self._mark_study(study_instance_uid, t.study.c.images_removed_at, at)
        return marked

    def mark_results(self, study_instance_uid: str, reason: RemovalReason, at: datetime) -> MarkedFiles:
        """The files of all results of a study go."""
        reports = sa.select(t.report.c.id).where(t.report.c.study_instance_uid == study_instance_uid)
        marked = self._mark(t.result, t.result.c.report_id.in_(reports), reason, at)
        self._mark_study(study_instance_uid, t.study.c.results_removed_at, at)
        return marked

    def drop_study(self, study_instance_uid: str, reason: RemovalReason, at: datetime) -> MarkedFiles:
        """Delete every row of a study, and have its files go that are still there."""
        study = study_instance_uid
        marked = self.mark_images(study, reason, at) + self.mark_results(study, reason, at)
        left = _left_behind(study)
        marked += self._mark(t.version, left, reason, at)
        instances = sa.select(t.instance.c.sop_instance_uid).where(t.instance.c.study_instance_uid == study)
        reports = sa.select(t.report.c.id).where(t.report.c.study_instance_uid == study)
        results = sa.select(t.result.c.sop_instance_uid).where(t.result.c.report_id.in_(reports))
        deliveries = sa.select(t.delivery.c.id).where(t.delivery.c.result_uid.in_(results))
        for table, condition in (
            (t.event, _told_elsewhere(study, instances)),
            (t.version, left),
            (t.commitment, t.commitment.c.delivery_id.in_(deliveries)),
            (t.delivery, t.delivery.c.result_uid.in_(results)),
            (t.result, t.result.c.report_id.in_(reports)),
            (t.report, t.report.c.study_instance_uid == study),
            *(
                (table, table.c.sop_instance_uid.in_(instances))
                for table in (t.finding, t.analysis, t.shadow, t.version)
            ),
            *((table, table.c.study_instance_uid == study) for table in (t.instance, t.job, t.event, t.study)),
        ):
            self._connection.execute(sa.delete(table).where(condition))
        return marked

    def files(self, count: int) -> list[str]:
        """Names of files that are to be unlinked; nobody takes them back until the transaction ends."""
        order = (r.removal.c.marked_at, r.removal.c.spool_name)
        marked = sa.select(r.removal.c.spool_name).where(~_IS_STRAY).order_by(*order)
        return list(self._connection.execute(marked.limit(count).with_for_update()).scalars())

    def forget(self, spool_names: Sequence[str]) -> None:
        """These files are unlinked."""
        self._connection.execute(sa.delete(r.removal).where(r.removal.c.spool_name.in_(spool_names)))

    def keep(self, spool_name: str) -> None:
        """Bytes come again under this name: a file of that name is not unlinked any more."""
        self._connection.execute(_KEEP, {"name": spool_name})

    def count_waiting(self) -> int:
        """How many files are still to be unlinked."""
        return self._connection.execute(
            sa.select(sa.func.count()).select_from(r.removal).where(~_IS_STRAY)
        ).scalar_one()

    def mark_strays(self, spool_names: Sequence[str], at: datetime) -> None:
        """No row names these, which may be because it is still to come."""
        for name in spool_names:
            values = {"spool_name": name, "marked_at": at + _STRAY}
            self._connection.execute(insert_once(self._connection, r.removal), values)

    def strays(self, prefix: str) -> dict[str, datetime]:
        """Those whose name begins so, and since when they are marked."""
        name, at = r.removal.c.spool_name, r.removal.c.marked_at
        found = self._connection.execute(
            sa.select(name, at).where(_IS_STRAY, name >= prefix, name < f"{prefix}~")
        ).all()
        return {row.spool_name: row.marked_at - _STRAY for row in found}

    def release_strays(self, spool_names: Sequence[str], at: datetime) -> None:
        """These are to be unlinked, unless somebody has taken them up meanwhile."""
        for name in spool_names:
            mine = (r.removal.c.spool_name == name, _IS_STRAY)
            self._connection.execute(sa.update(r.removal).where(*mine).values(marked_at=at))

    def count_day(self, day: date, reason: RemovalReason, marked: MarkedFiles) -> None:
        """Add to what has gone on that day."""
        key = {"day": day, "reason": reason}
        self._connection.execute(insert_once(self._connection, r.removed_day), {**key, "files": 0, "bytes": 0})
        mine = (r.removed_day.c.day == day, r.removed_day.c.reason == reason)
        files, amount = r.removed_day.c.files + marked.files, r.removed_day.c.bytes + marked.bytes
        self._connection.execute(sa.update(r.removed_day).where(*mine).values(files=files, bytes=amount))

    def days_since(self, day: date) -> list[RemovedDay]:
        """What went since that day, included."""
        rows = self._connection.execute(sa.select(r.removed_day).where(r.removed_day.c.day >= day))
        return [RemovedDay(**row._mapping) for row in rows]

    def _mark(
        self, table: sa.Table, condition: sa.ColumnElement[bool], reason: RemovalReason, at: datetime
    ) -> MarkedFiles:
        """What the rows stand for is gone from now on. A file is counted once, whichever rows name it."""
        there = sa.and_(condition, table.c.removed_at.is_(None))
        files = amount = 0
        for name, size in self._connection.execute(sa.select(table.c.spool_name, table.c.bytes).where(there)).all():
            values = {"spool_name": name, "marked_at": at}
            if self._connection.execute(insert_once(self._connection, r.removal), values).rowcount:
                files, amount = files + 1, amount + size
        self._connection.execute(sa.update(table).where(there).values(removed_at=at, removed_because=reason))
        return MarkedFiles(files, amount)

    def _mark_study(self, study_instance_uid: str, column: sa.Column[datetime], at: datetime) -> None:
        mine = t.study.c.study_instance_uid == study_instance_uid
        self._connection.execute(sa.update(t.study).where(mine).values({column.name: at}))


def _left_behind(study: str) -> sa.ColumnElement[bool]:
    """Versions that stood in this study before a later one of their object came into another."""
    came = sa.select(t.event.c.subject).where(t.event.c.study_instance_uid == study, t.event.c.step == "received")
    still_here = sa.select(t.instance.c.sop_instance_uid).where(t.instance.c.study_instance_uid == study)
    uid = t.version.c.sop_instance_uid
    return sa.and_(uid.in_(came), t.version.c.study_instance_uid == study, uid.not_in(still_here))


def _told_elsewhere(study: str, instances: sa.Select[tuple[str]]) -> sa.ColumnElement[bool]:
    """What is told of images of this study in those that they stood in before."""
    before = sa.select(t.version.c.study_instance_uid).where(
        t.version.c.sop_instance_uid.in_(instances), t.version.c.study_instance_uid != study
    )
    return sa.and_(t.event.c.study_instance_uid.in_(before), t.event.c.subject.in_(instances))
