"""The hosts that work on one ledger: who is silent, who is of another version, and who has the name of another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from scp_node.ledger import Transaction
from scp_node.ledger.watch_records import HostSign
from scp_node.settings import Settings
from scp_node.settings.places import worker_name

LOOK = (
    "See whether the machine runs and reaches the database; its jobs are taken over. If it is not to come back, it is "
    "forgotten after a week, or at once when a node with its node.host_id starts."
)
UPGRADE = "Two versions work side by side for the time of an upgrade: bring both to the same one."
RENAME = "Give each machine a node.host_id of its own. If one was started anew, this passes by itself."


@dataclass(frozen=True)
class HostRole:
    """A role of a host. `silent_s`: since its last sign; `is_here`: of the node that asks, whose roles say themselves
    how they are."""

    sign: HostSign
    silent_s: float
    is_silent: bool
    is_other_version: bool
    is_here: bool


@dataclass(frozen=True)
class HostFault:
    """A fact, and what to do. `is_bad`: work is left undone meanwhile."""

    is_bad: bool
    fact: str
    remedy: str


def own_version() -> str:
    return version("hilum")


def hosts_of(tx: Transaction, settings: Settings) -> tuple[HostRole, ...]:
    """All that the ledger knows, by host and role."""
    moment, here, mine, limit_s = tx.hosts.moment(), worker_name(settings), own_version(), settings.node.silent_after_s
    found = []
    for sign in tx.hosts.all():
        silent_s = max(0.0, (moment - sign.signed_at).total_seconds())
        is_silent = silent_s > limit_s
        found.append(HostRole(sign, silent_s, is_silent, sign.version != mine, sign.name == here))
    return tuple(found)


def faults_of(roles: Sequence[HostRole]) -> Iterator[HostFault]:
    """What a person should know of them, the worst first."""
    for host_id in dict.fromkeys(one.sign.host_id for one in roles):
        mine = [one for one in roles if one.sign.host_id == host_id]
        silent = [one for one in mine if one.is_silent and not one.is_here]
        if silent:
            names = ", ".join(one.sign.role for one in silent)
            waited_s = min(one.silent_s for one in silent)
            yield HostFault(True, f"The host {host_id} has been silent for {waited_s:.0f} s: {names}.", LOOK)
        alive = [one for one in mine if not one.is_silent]
        if len({(one.sign.name, one.sign.role) for one in alive}) > len({one.sign.role for one in alive}):
            yield HostFault(False, f"Two machines call themselves {host_id}.", RENAME)
        for other in sorted({one.sign.version for one in alive if one.is_other_version}):
            yield HostFault(False, f"The host {host_id} runs version {other}, this one {own_version()}.", UPGRADE)
