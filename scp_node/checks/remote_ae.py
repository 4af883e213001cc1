"""Does a remote AE answer, would it take our results, and how long do the certificates on the way last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from converter.page.counted import counted
from converter.result.kinds.table import KIND_NAMES, RESULT_KINDS
from scp_node.deliver.capabilities import Capabilities
from scp_node.deliver.destinations import Destinations
from scp_node.monitoring.certificate_expiry import days_left
from scp_node.settings import Settings, System
from scp_node.settings.routes import AUTO
from scp_node.tls.certificates import certificate_expiry


@dataclass(frozen=True)
class RemoteAEReport:
    """problems: why results would not arrive there. warnings: what will become one."""

    found: Capabilities
    warnings: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class RemoteAECall:
    """What was found out about a remote AE, and when."""

    at: datetime
    report: RemoteAEReport

    @property
    def is_well(self) -> bool:
        return not self.report.problems


def ask_remote_ae(settings: Settings, name: str, now: datetime) -> RemoteAEReport:
    """Open one association to a remote AE; nothing is stored there. Raises UsageError for an unknown name."""
    with closing(Destinations(settings)) as destinations:
        found = destinations.probe(name)
    return RemoteAEReport(found, tuple(_expiry_warnings(settings, found, now)), tuple(_problems(settings, found)))


def _expiry_warnings(settings: Settings, found: Capabilities, now: datetime) -> list[str]:
    """Which certificates of a TLS connection expire soon or have expired: ours, which the node also shows to senders,
    and the remote AE's."""
    place = settings.destination(found.name)
    if isinstance(place, System):
        return _system_warnings(settings, place, found, now)
    if place is None or not settings.is_reached_by_tls(place):
        return []
    certificates = {"its certificate": found.certificate.expires} if found.certificate else {}
    if settings.tls.certificate is not None:
        certificates["our certificate"] = certificate_expiry(settings.tls.certificate)
    return _told(settings, certificates, now)


def _system_warnings(settings: Settings, system: System, found: Capabilities, now: datetime) -> list[str]:
    certificates = {"its certificate": found.certificate.expires} if found.certificate else {}
    if system.certificate is not None and system.is_over_tls:
        certificates["our certificate"] = certificate_expiry(system.certificate)
    return _told(settings, certificates, now)


def _told(settings: Settings, certificates: dict[str, datetime], now: datetime) -> list[str]:
    left = {whose: days_left(expires, now) for whose, expires in certificates.items()}
    told = {whose: f"expires in {counted(days, 'day')}" if days >= 0 else "has expired" for whose, days in left.items()}
    return [
        f"{whose} {told[whose]} ({certificates[whose]:%Y-%m-%d})"
        for whose, days in left.items()
        if days < settings.tls.warn_before_days
    ]


def _problems(settings: Settings, found: Capabilities) -> Iterator[str]:
    """Why results would not arrive at this remote AE; nothing when they would."""
    if found.problem:
        yield found.problem
    if not found.accepted:
        return
    routes = [route for route in settings.routes if found.name in route.to]
    wanted = {kind for route in routes for kind in route.results}
    for kind in (RESULT_KINDS[name] for name in KIND_NAMES if name in wanted):
        if not any(found.accepted.get(uid) for uid in kind.sop_classes):
            names = " or ".join(kind.sop_classes.values())
            yield f"it takes no {names}, but a route sends '{kind.name}' results there; enable that class there"
    by_itself = [kind for kind in RESULT_KINDS.values() if kind.auto != "never"]
    if AUTO in wanted and not any(found.accepted.get(uid) for kind in by_itself for uid in kind.sop_classes):
        yield f"it takes none of the results that 'results: {AUTO}' chooses from; enable one of their classes there"
