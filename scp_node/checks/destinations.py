"""Destinations: does their address resolve, and, when they may be called, would they take the results."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

from scp_node.checks.result import CheckedNode, CheckResult, ok, problem
from scp_node.settings import Settings

RESOLVE_S = 5.0


def destinations(node: CheckedNode) -> Iterator[CheckResult]:
    """Nothing is stored there."""
    for name in dict.fromkeys(name for route in node.settings.routes for name in (*route.to, *route.notify)):
        yield from _called(node, name) if node.network else _resolved(node, name)


def _resolved(node: CheckedNode, name: str) -> Iterator[CheckResult]:
    section, host, where = _place(node.settings, name)
    addresses = resolve(host, RESOLVE_S)
    if isinstance(addresses, str):
        remedy = "Look at the name and at /etc/resolv.conf; an IP address needs neither."
        key = "host" if section == "remote_aes" or node.settings.systems[name].kind == "hl7" else "url"
        yield problem(f"{where}: {addresses}", remedy, (section, name, key))
    else:
        others = ", ".join(one for one in addresses if one != host)
        yield ok(f"{where}{f' is {others}' if others else ''}; not called, which --network does")


def _called(node: CheckedNode, name: str) -> Iterator[CheckResult]:
    from scp_node.checks.remote_ae import ask_remote_ae
    from scp_node.deliver.capabilities import PROBED_CLASSES

    report = ask_remote_ae(node.settings, name, datetime.now(UTC))
    section, _, _ = _place(node.settings, name)
    found, loc = report.found, (section, name)
    for fault in report.problems:
        yield problem(f"{name} ({found.address}): {fault}", f"'hilum echo {name}' shows each step.", loc)
    for caution in report.warnings:
        yield CheckResult("warning", f"{name}: {caution}", "Have it renewed.", loc)
    if not report.problems:
        taken = ", ".join(PROBED_CLASSES[uid] for uid, syntaxes in found.accepted.items() if syntaxes)
        yield ok(f"{name} ({found.address}) answers{f', and takes {taken}' if taken else ''}")


def _place(settings: Settings, name: str) -> tuple[str, str, str]:
    """Its section, its host, and where it is in words."""
    remote = settings.remote_aes.get(name)
    if remote is not None:
        return "remote_aes", remote.host, f"{name} ({remote.ae_title} at {remote.host}:{remote.port})"
    system = settings.systems[name]
    return "systems", system.host_name, f"{name} ({system.kind} at {system.where})"


def resolve(host: str, within_s: float) -> list[str] | str:
    """Its addresses, or why there are none. Resolvers may take a minute, which nobody waits for."""
    found: list[list[str] | str] = []

    def ask() -> None:
        try:
            known = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found.append(sorted({str(one[4][0]) for one in known}))
        except OSError as error:
            found.append(f"its name is not known ({error.strerror})")

    asking = threading.Thread(target=ask, name="resolve", daemon=True)
    asking.start()
    asking.join(within_s)
    return found[0] if found else f"its name was not resolved within {within_s:g} s"
