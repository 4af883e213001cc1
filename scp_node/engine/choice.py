"""Which engine works on the jobs of a ledger: the one that its database is opened for."""

from __future__ import annotations

from scp_node.engine.dispatcher import Dispatcher
from scp_node.engine.port import Engine
from scp_node.engine.retry import Retries
from scp_node.engine.wakeup import WakeUps
from scp_node.ledger import Ledger
from scp_node.ledger.tickets import are_tickets_used


def open_engine(
    ledger: Ledger, worker: str, wakeups: WakeUps, retries: Retries, poll_s: float, after: str = ""
) -> Engine:
    """`worker`: a name that stays the same over restarts and is nobody else's. With `after`, nothing is started while a
    job of that queue is due."""
    if are_tickets_used(ledger.engine):
        from scp_node.engine.ticket_engine import TicketEngine  # procrastinate is installed where it is used

        return TicketEngine(ledger, worker, retries, poll_s, after)
    return Dispatcher(ledger, worker, wakeups, retries, poll_s, after)
