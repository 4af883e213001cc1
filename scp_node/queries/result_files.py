"""The file of a result of one study, to be read on a page."""

from __future__ import annotations

import sqlalchemy as sa

from scp_node.errors import NothingFound
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.removal_records import in_spool


def result_file(tx: Transaction, study_instance_uid: str, result_uid: str, kind: str | None = None) -> str:
    """Its name in the spool. Raises NothingFound for what is no result of this study, or of another kind than asked
    for, and Removed where its file was removed."""
    mine = sa.select(t.report.c.id).where(t.report.c.study_instance_uid == study_instance_uid)
    result = tx.results.get(result_uid)
    is_mine = result is not None and result.report_id in set(tx.connection.execute(mine).scalars())
    if result is None or not is_mine or kind not in (None, result.kind):
        raise NothingFound("there is no such result of this study")
    return in_spool(result)
