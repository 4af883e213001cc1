"""A destination that is away: what waits for it is not tried one by one. The next delivery finds out whether it is
back, and when it is, all go, in the order in which they were entered. Other destinations have queues of their own."""

from __future__ import annotations

import logging
from datetime import datetime

from scp_node.deliver.outcomes import NO_CONNECTION, SendOutcome
from scp_node.ledger import Transaction
from scp_node.workflow.job_kinds import delivery_queue

log = logging.getLogger(__name__)


def note_failure(tx: Transaction, destination: str, outcome: SendOutcome, next_at: datetime | None) -> None:
    """An attempt has failed in a way that may pass. Where no connection came about, whatever the object was, nothing
    else is tried before `next_at`, when the one that failed is tried again."""
    tx.unreached.enter(destination, outcome.message)
    if next_at is not None and outcome.code in NO_CONNECTION:
        tx.held_queues.hold(delivery_queue(destination), next_at, outcome.message)


def note_reached(tx: Transaction, destination: str) -> None:
    """It has answered. After an outage all that waits for it is due."""
    if tx.unreached.clear(destination) and (waiting := tx.held_queues.release(delivery_queue(destination))):
        log.info("destination is back", extra={"destination": destination, "waiting": waiting})
