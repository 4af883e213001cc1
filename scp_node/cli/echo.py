"""`hilum echo`: does each remote AE answer, and would it take our results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from scp_node.checks.remote_ae import RemoteAEReport, ask_remote_ae
from scp_node.cli.listing import Listing
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
    matrix: Annotated[bool, typer.Option(help="Show what all of them take in one table instead.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """C-ECHO each remote AE and show which result objects it accepts; connect to each system, ask a FHIR server what it
    can do, and send a webhook a signed message of the type "ping". Exit 1 when one does not answer or, being the
    destination of a route, would not take the results of that route."""
    settings = load_settings(config)
    names, moment = remote_aes or settings.destination_names, datetime.now(UTC)
    reports = [ask_remote_ae(settings, name, moment) for name in names] if matrix else []
    if matrix:
        taken_by(reports).show()
    for name in () if matrix else names:
        reports.append(report := ask_remote_ae(settings, name, moment))
        for line in description(report.found):
            say(line)
        for warning in report.warnings:
            say(f"  warning: {warning}", "yellow")
        for problem in report.problems:
            say(f"  problem: {problem}", "red")
    if any(report.problems for report in reports):
        raise typer.Exit(ExitCode.FAILED)


def taken_by(reports: Sequence[RemoteAEReport]) -> Listing:
    """A row for each class of objects, a column for each remote AE: whether it takes them, a dash where that is
    not known."""
    words = {None: "", True: "yes", False: "no"}
    listing = Listing("", *(report.found.name for report in reports))
    listing.add("answers", *("no" if report.problems else "yes" for report in reports))
    for uid, class_name in PROBED_CLASSES.items():
        answers = (report.found.accepted.get(uid) for report in reports)
        listing.add(class_name, *(words[None if one is None else bool(one)] for one in answers))
    return listing


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
