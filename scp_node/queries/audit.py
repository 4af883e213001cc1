"""What was done: the audit trail, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from scp_node.ledger import Transaction
from scp_node.ledger.account_records import AuditRow

ROWS = 50


@dataclass(frozen=True)
class AuditPage:
    """The newest first. `older`: what the next page is asked by, None on the last one."""

    rows: tuple[AuditRow, ...]
    older: int | None


def audit_page(tx: Transaction, before: int | None = None, who: str = "", act: str = "") -> AuditPage:
    """The events before one, of one person and one kind where they are named."""
    rows = tx.audit.before(before, ROWS + 1, who, act)
    return AuditPage(tuple(rows[:ROWS]), rows[ROWS - 1].id if len(rows) > ROWS else None)
