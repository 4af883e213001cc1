"""The recorder that keeps acts in the ledger, where administrators can look for them."""

from __future__ import annotations

import logging

from sqlalchemy.exc import SQLAlchemyError

from scp_node.ledger import Ledger
from scp_node.ledger.records import now_utc
from scp_node.operations.acts import Act, LogRecorder

log = logging.getLogger(__name__)


class LedgerRecorder:
    """One row of the audit trail for each act, and one line of the log."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def record(self, *acts: Act) -> None:
        """What cannot be entered is in the log; the act itself has been done by then, and stays so."""
        self.enter(*acts)

    def enter(self, *acts: Act) -> bool:
        """The same; False when the ledger does not have it."""
        LogRecorder().record(*acts)
        at = now_utc()
        rows = [
            {
                "at": at,
                "who": act.operator,
                "act": act.kind,
                "object_kind": act.object_kind,
                "object_id": act.object_id,
                "outcome": act.outcome,
                "detail": act.detail,
            }
            for act in acts
        ]
        try:
            with self._ledger.transaction() as tx:
                tx.audit.add(rows)
        except (SQLAlchemyError, TimeoutError) as error:
            log.error("audit event not entered", extra={"reason": type(error).__name__, "events": len(rows)})
            return False
        return True
