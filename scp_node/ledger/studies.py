"""Studies: entered with their first image, and found again by any of their numbers."""

from __future__ import annotations

import sqlalchemy as sa

from scp_node.dimse.uids import is_uid_as_sent
from scp_node.ledger import tables as t
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.records import ReceivedInstance
from scp_node.ledger.repository import Repository

# One lock a study, in one order for all; two ledgers in two schemas of one database do not wait for each other.
_LOCK = sa.text(
    "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(current_schema() || ' ' || uid, 0) AS key"
    " FROM unnest(CAST(:uids AS text[])) AS uid ORDER BY key) AS keys"
)
_OF_RESULT = (
    sa.select(t.report.c.study_instance_uid)
    .join(t.result, t.result.c.report_id == t.report.c.id)
    .where(t.result.c.sop_instance_uid == sa.bindparam("uid"))
)
_HAS_IMAGES_AGAIN = (
    sa.update(t.study)
    .where(t.study.c.study_instance_uid == sa.bindparam("uid"), ~t.HAS_IMAGES)
    .values(images_removed_at=None)
)


class Studies(Repository):
    """Statements on studies, across tables."""

    def add(self, image: ReceivedInstance) -> None:
        """Enter the study of an image, once; it has images again, if those it had were removed."""
        values = {
            "study_instance_uid": image.study_instance_uid,
            "accession_number": image.accession_number,
            "first_received_at": image.received_at,
        }
        if not self._connection.execute(insert_once(self._connection, t.study), values).rowcount:
            self._connection.execute(_HAS_IMAGES_AGAIN, {"uid": image.study_instance_uid})

    def lock(self, *study_instance_uids: str) -> None:
        """Until the transaction ends nobody else decides about these studies: what precedes every decision, because it
        goes by more rows than it changes. Who decides about several names all of them at once.

        With SQLite nobody else writes anyway.
        """
        if study_instance_uids and self._connection.dialect.name != "sqlite":
            self._connection.execute(_LOCK, {"uids": list(study_instance_uids)})

    def of_result(self, sop_instance_uid: str) -> str | None:
        """The study that a result is about."""
        return self._connection.execute(_OF_RESULT, {"uid": sop_instance_uid}).scalar_one_or_none()

    def matching(self, key: str) -> list[str]:
        """Study Instance UIDs that `key` names: an accession number, or a study, SOP instance, result or series UID. A
        series is looked for last, image by image."""
        for statement in (
            sa.select(t.study.c.study_instance_uid).where(
                sa.or_(t.study.c.accession_number == key, t.study.c.study_instance_uid == key)
            ),
            sa.select(t.instance.c.study_instance_uid).where(t.instance.c.sop_instance_uid == key),
            sa.select(t.report.c.study_instance_uid)
            .join(t.result, t.result.c.report_id == t.report.c.id)
            .where(t.result.c.sop_instance_uid == key),
            *(
                [sa.select(t.instance.c.study_instance_uid).where(t.instance.c.series_instance_uid == key)]
                if "." in key and is_uid_as_sent(key)
                else []
            ),
        ):
            found = dict.fromkeys(self._connection.execute(statement).scalars())
            if found:
                return list(found)
        return []
