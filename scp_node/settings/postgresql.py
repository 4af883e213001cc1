"""Section storage.postgresql: how many connections each process has to the database, and how long it waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from scp_node.settings.section import Seconds, Section

DatabaseUser = Literal["receiver", "worker", "shadow", "web", "command"]


@dataclass(frozen=True)
class DatabaseLimits:
    """What one process may ask of PostgreSQL. `wait_s`: for a free connection of its own. `tickets`: whether
    procrastinate dispatches the jobs."""

    connections: int = 5
    connect_timeout_s: float = 2
    lock_timeout_s: float = 30
    statement_timeout_s: float = 60
    wait_s: float = 30
    tickets: bool = False


class Postgresql(Section):
    """Connections and time-outs of a ledger in PostgreSQL; SQLite has neither."""

    engine: Literal["embedded", "procrastinate"] = Field(
        "embedded",
        description="Who tells workers what to do: the workers look into the ledger themselves, or procrastinate, for "
        "workers on several hosts, calls one that has a free place. All processes over one database have the same; "
        "holds from the next start.",
    )
    connect_timeout_s: Seconds = Field(2, ge=2, le=60, description="Time for the database to take a connection.")
    answer_timeout_s: Seconds = Field(
        3,
        ge=1,
        le=60,
        description="Time for one answer of the database to the receiver. Then the sender is told 0xA700 and keeps the "
        "object; that and connect_timeout_s together stay within 10 s.",
    )
    lock_timeout_s: Seconds = Field(
        30, ge=1, le=600, description="Time for another process to let go of what is to be changed; not the receiver's."
    )
    statement_timeout_s: Seconds = Field(
        60, ge=1, le=3600, description="Time for one answer of the database to everybody but the receiver."
    )
    receiver_connections_max: int = Field(8, ge=2, le=200, description="Most connections of the receiver.")
    worker_connections_max: int = Field(12, ge=4, le=200, description="Most connections of the worker.")
    shadow_connections_max: int = Field(2, ge=2, le=50, description="Most connections of the process of second models.")
    web_connections_max: int = Field(6, ge=2, le=100, description="Most connections of the console and API.")
    command_connections_max: int = Field(2, ge=2, le=50, description="Most connections of one command, and of a start.")

    def limits(self, user: DatabaseUser) -> DatabaseLimits:
        """Those of one process. A sender waits for the receiver, so that its time-outs are short."""
        connections: int = getattr(self, f"{user}_connections_max")
        tickets = self.engine == "procrastinate"
        if user == "receiver":
            short = self.answer_timeout_s
            return DatabaseLimits(connections, self.connect_timeout_s, short, short, short, tickets)
        return DatabaseLimits(
            connections, self.connect_timeout_s, self.lock_timeout_s, self.statement_timeout_s, tickets=tickets
        )
