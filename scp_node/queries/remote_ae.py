"""Does a remote AE answer, would it take our results, and how long do the certificates on the way last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.deliver.capabilities import Capabilities
from scp_node.deliver.destinations import Destinations
from scp_node.monitoring.certificate_expiry import days_left
from scp_node.settings import Settings
from scp_node.tls.certificates import certificate_expiry


@dataclass(frozen=True)
class RemoteAEReport:
    """problems: why results would not arrive there. warnings: what will become one."""

    found: Capabilities
    warnings: tuple[str, ...]
    problems: tuple[str, ...]


def ask_remote_ae(settings: Settings, name: str, now: datetime) -> RemoteAEReport:
    """Ask a remote AE what it takes; nothing is stored there. Raises UsageError for an unknown name."""
    found = Destinations(settings).probe(name)
    return RemoteAEReport(found, tuple(_expiry_warnings(settings, found, now)), tuple(_problems(settings, found)))


def _expiry_warnings(settings: Settings, found: Capabilities, now: datetime) -> list[str]:
    """Which certificates of a TLS connection expire soon or have expired: ours, which the node also shows to senders,
    and the remote AE's."""
    if not settings.is_reached_by_tls(settings.remote_aes[found.name]):
        return []
    certificates = {"its certificate": found.certificate.expires} if found.certificate else {}
    if settings.tls.certificate is not None:
        certificates["our certificate"] = certificate_expiry(settings.tls.certificate)
    left = {whose: days_left(expires, now) for whose, expires in certificates.items()}
    return [
        f"{whose} {'has expired' if days < 0 else f'expires in {days} days'} ({certificates[whose]:%Y-%m-%d})"
        for whose, days in left.items()
        if days < settings.tls.warn_before_days
    ]


def _problems(settings: Settings, found: Capabilities) -> list[str]:
    problems = [found.problem] if found.problem else []
    if not found.accepted:
        return problems
    wanted = {kind for route in settings.routes if found.name in route.to for kind in route.results}
    if "sr" in wanted and found.sr_class is None:
        problems.append("it takes no Structured Report, but a route sends reports there; enable the SR classes there")
    if "heatmap" in wanted and not found.accepted[SECONDARY_CAPTURE]:
        problems.append("it takes no Secondary Capture, but a route sends heat maps there; enable that class there")
    return problems
