"""`hilum explain`: what happened to a study, in plain words."""

from __future__ import annotations

from typing import Annotated

import typer

from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, open_ledger
from scp_node.errors import UsageError
from scp_node.ledger import EventRow, InstanceRow, Ledger


def explain(
    key: Annotated[
        str, typer.Argument(metavar="ACCESSION|UID", help="Accession number, or a study, image or result UID.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Every step of a study in plain words: what came, what was found or refused and why, what was delivered."""
    ledger = open_ledger(config)
    with ledger.reading() as tx:
        studies = tx.studies.matching(key)
    if not studies:
        raise UsageError(f"nothing was received under {key}")
    for study_instance_uid in studies:
        for line in explanation(ledger, study_instance_uid):
            typer.echo(line)


def explanation(ledger: Ledger, study_instance_uid: str) -> list[str]:
    """The lines that explain one study."""
    lines = [f"Study {study_instance_uid}"]
    with ledger.reading() as tx:
        for instance in tx.instances.of_study(study_instance_uid):
            lines.append(f"  image {instance.sop_instance_uid}: {_fate(instance)}")
            analysis = tx.instances.analysis(instance.sop_instance_uid)
            for found in analysis.findings if analysis else ():
                decision = "positive" if found.positive else "negative"
                lines.append(
                    f"    {found.name}: probability {100 * found.probability:.2f} %, {decision} "
                    f"(threshold {100 * found.threshold:.2f} %)"
                )
            lines += [f"    note: {note}" for note in instance.notes]
        for report in tx.reports.of_study(study_instance_uid):
            state = "built" if report.built_at else "being built"
            lines.append(
                f"  report revision {report.revision} (route {report.route}, model {report.model}): {state}, "
                f"covers {len(report.instances)} image{'s' if len(report.instances) != 1 else ''}"
            )
            for result in tx.results.of_report(report.id):
                lines.append(f"    {result.kind} {result.sop_instance_uid}")
                for delivery in tx.deliveries.of_result(result.sop_instance_uid):
                    again = (
                        f", next at {delivery.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC"
                        if delivery.next_attempt_at
                        else ""
                    )
                    lines.append(
                        f"      to {delivery.destination}: {delivery.state} after {delivery.attempts} "
                        f"attempt{'s' if delivery.attempts != 1 else ''}{again}; {delivery.detail}"
                    )
        for job in tx.jobs.of_study(study_instance_uid):
            if job.state != "done":
                error = f": {job.error}" if job.error else ""
                lines.append(f"  job {job.job_id}: {job.state}, attempt {job.attempt}{error}")
        lines.append("  What happened, in UTC:")
        lines += [f"    {_line(event)}" for event in tx.events.of_study(study_instance_uid)]
    return lines


def _fate(instance: InstanceRow) -> str:
    came = f"received {instance.received_at:%Y-%m-%d %H:%M:%S} UTC from {instance.source}"
    if instance.decline_code:
        return f"{came}; {instance.state}: {instance.decline_code}: {instance.detail}"
    return f"{came}; {instance.state}"


def _line(event: EventRow) -> str:
    took = "" if event.took_ms is None else f" ({event.took_ms:.0f} ms)"
    return f"{event.at:%H:%M:%S.%f}"[:-3] + f" {event.step}: {event.outcome}{took} [{event.subject[-12:]}]"
