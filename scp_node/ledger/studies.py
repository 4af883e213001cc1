"""Studies: entered with their first image, and found again by any of their numbers."""

from __future__ import annotations

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.records import ReceivedInstance
from scp_node.ledger.repository import Repository


class Studies(Repository):
    """Statements on studies, across tables."""

    def add(self, image: ReceivedInstance) -> None:
        """Enter the study of an image, once."""
        self._connection.execute(
            insert_once(self._connection, t.study),
            {
                "study_instance_uid": image.study_instance_uid,
                "accession_number": image.accession_number,
                "first_received_at": image.received_at,
            },
        )

    def matching(self, key: str) -> list[str]:
        """Study Instance UIDs that `key` names: an accession number, or a study, SOP instance or result UID."""
        found: dict[str, None] = {}
        for statement in (
            sa.select(t.study.c.study_instance_uid).where(
                sa.or_(t.study.c.accession_number == key, t.study.c.study_instance_uid == key)
            ),
            sa.select(t.instance.c.study_instance_uid).where(
                sa.or_(t.instance.c.sop_instance_uid == key, t.instance.c.series_instance_uid == key)
            ),
            sa.select(t.report.c.study_instance_uid)
            .join(t.result, t.result.c.report_id == t.report.c.id)
            .where(t.result.c.sop_instance_uid == key),
        ):
            found.update(dict.fromkeys(self._connection.execute(statement).scalars()))
        return list(found)
