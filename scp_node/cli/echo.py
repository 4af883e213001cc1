"""`hilum echo`: does each remote AE answer, and would it take our results."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from scp_node.checks.remote_ae import ask_remote_ae
from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption
from scp_node.cli.terminal import say
from scp_node.deliver.capabilities import PROBED_CLASSES, Capabilities
from scp_node.deliver.result_objects import RESULT_SYNTAXES
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR
from scp_node.errors import ExitCode
from scp_node.settings.file import load_settings


def echo(
    remote_aes: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Names under remote_aes or systems; all if absent."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """C-ECHO each remote AE and show which result objects it accepts; connect to each system, ask a FHIR server what it
    can do, and send a webhook a signed message of the type "ping". Exit 1 when one does not answer or, being the
    destination of a route, would not take the results of that route."""
    settings = load_settings(config)
    well = True
    for name in remote_aes or settings.destination_names:
        report = ask_remote_ae(settings, name, datetime.now(UTC))
        well = well and not report.problems
        for line in description(report.found):
            say(line)
        for warning in report.warnings:
            say(f"  warning: {warning}", "yellow")
        for problem in report.problems:
            say(f"  problem: {problem}", "red")
    if not well:
        raise typer.Exit(ExitCode.FAILED)


def description(found: Capabilities) -> Iterator[str]:
    """What was found out about one remote AE, as lines for a terminal."""
    yield f"{found.name}: {found.address}"
    for step in found.steps:
        answer = f", {step.answer}" if step.answer else ""
        yield f"  {step.name:12} {1000 * step.took_s:.1f} ms{answer}"
    if found.tls_version and found.certificate:
        yield f"  {found.tls_version:12} {found.certificate.subject} until {found.certificate.expires:%Y-%m-%d}"
    for uid, syntaxes in found.accepted.items():
        names = ", ".join(RESULT_SYNTAXES[syntax] for syntax in syntaxes)
        yield f"  {PROBED_CLASSES[uid]:20} {f'accepted ({names})' if names else 'not accepted'}"
    if found.accepted and not found.accepted[COMPREHENSIVE_3D_SR] and found.sr_class:
        yield "  reports go there as Comprehensive SR"
