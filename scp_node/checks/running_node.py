"""Whether a node works on the data folder already, and whether its ports can be had."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

from scp_node.checks.result import CheckedNode, CheckResult, obstacle, ok, problem, warning
from scp_node.host.lock_file import holder_of
from scp_node.host.ports import explained, port_refusal
from scp_node.telemetry.heartbeat import read_statuses, status_folder

# The sections that name a bind address and a port, by role.
LISTENERS = {"receiver": "node", "web": "web"}


def running_node(node: CheckedNode) -> Iterator[CheckResult]:
    """Who holds the locks of a node, and what its roles say of themselves."""
    data_dir = node.settings.node.data_dir
    holders = {holder for role in node.roles if (holder := holder_of(node.locks / f"node-{role}.lock")) is not None}
    if not holders:
        yield ok("no node runs on this data folder")
        return
    for holder in sorted(holders, key=lambda one: one.pid):
        if holder.pid and holder.host != socket.gethostname():
            yield problem(
                f"a node of another machine has this data folder: {holder}",
                "Give each machine a data_dir of its own.",
                ("node", "data_dir"),
            )
        else:
            yield ok(f"runs: {holder}")
    for status in read_statuses(status_folder(data_dir), time.monotonic()):
        for reason in status.obstacles:
            yield warning(f"the {status.role} is not ready: {reason}", "See /readyz and the log.")


def ports(node: CheckedNode) -> Iterator[CheckResult]:
    """Each port is tried for a moment, unless a role of this node has it."""
    for role, section in LISTENERS.items():
        if role not in node.roles:
            continue
        settings = getattr(node.settings, section)
        where = f"{settings.bind}:{settings.port} ({role})"
        holder = holder_of(node.locks / f"{role}.lock")
        refusal = port_refusal(settings.bind, settings.port)
        if refusal is None:
            yield ok(f"{where} is free")
        elif holder is not None:
            yield ok(f"{where} is held by this node: {holder}")
        else:
            fact, remedy = explained(settings.bind, settings.port, refusal, section)
            yield obstacle(fact, remedy, (section, "port"))
