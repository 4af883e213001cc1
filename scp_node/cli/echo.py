"""`hilum echo`: does each remote AE answer, and would it take our results."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption
from scp_node.deliver.capabilities import PROBED_CLASSES, Capabilities
from scp_node.deliver.destinations import Destinations
from scp_node.deliver.result_objects import RESULT_SYNTAXES
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR
from scp_node.monitoring.certificate_expiry import days_left
from scp_node.settings import Settings
from scp_node.settings.file import load_settings
from scp_node.tls.certificates import certificate_expiry


def echo(
    remote_aes: Annotated[
        list[str] | None, typer.Argument(metavar="REMOTE_AE", help="Names under remote_aes; all of them if absent.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """C-ECHO each remote AE and show which result objects it accepts. Exit 1 when one does not answer or, being the
    destination of a route, would not take the results of that route."""
    settings = load_settings(config)
    destinations, well = Destinations(settings), True
    for name in remote_aes or settings.remote_aes:
        capabilities = destinations.probe(name)
        problems = problems_of(settings, capabilities)
        well = well and not problems
        for line in description(capabilities):
            typer.echo(line)
        for warning in expiry_warnings(settings, capabilities, datetime.now(UTC)):
            typer.secho(f"  warning: {warning}", fg=typer.colors.YELLOW)
        for problem in problems:
            typer.secho(f"  problem: {problem}", fg=typer.colors.RED)
    if not well:
        raise typer.Exit(1)


def description(found: Capabilities) -> list[str]:
    """What was found out about one remote AE, as lines for a terminal."""
    lines = [f"{found.name}: {found.address}"]
    for step in found.steps:
        answer = f", {step.answer}" if step.answer else ""
        lines.append(f"  {step.name:12} {1000 * step.took_s:.1f} ms{answer}")
    if found.tls_version and found.certificate:
        who = f"{found.certificate.subject} until {found.certificate.expires:%Y-%m-%d}"
        lines.append(f"  {found.tls_version:12} {who}")
    for uid, syntaxes in found.accepted.items():
        names = ", ".join(RESULT_SYNTAXES[syntax] for syntax in syntaxes)
        lines.append(f"  {PROBED_CLASSES[uid]:20} {f'accepted ({names})' if names else 'not accepted'}")
    if found.accepted and not found.accepted[COMPREHENSIVE_3D_SR] and found.sr_class:
        lines.append("  reports go there as Comprehensive SR")
    return lines


def expiry_warnings(settings: Settings, found: Capabilities, now: datetime) -> list[str]:
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


def problems_of(settings: Settings, found: Capabilities) -> list[str]:
    """Why results would not arrive at this remote AE; empty when nothing is wrong."""
    problems = [found.problem] if found.problem else []
    if not found.accepted:
        return problems
    wanted = {kind for route in settings.routes if found.name in route.to for kind in route.results}
    if "sr" in wanted and found.sr_class is None:
        problems.append("it takes no Structured Report, but a route sends reports there; enable the SR classes there")
    if "heatmap" in wanted and not found.accepted[SECONDARY_CAPTURE]:
        problems.append("it takes no Secondary Capture, but a route sends heat maps there; enable that class there")
    return problems
