"""`hilum reconcile`: what an archive has that this node has missed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from converter.page.counted import counted
from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption, recorded_operator, writing_node
from scp_node.cli.terminal import say, say_json
from scp_node.errors import ExitCode
from scp_node.operations import reconciliation
from scp_node.operations.reconciliation import DAYS_MAX, MissedStudy, Wanted
from scp_node.queries.document import document_of


def reconcile(
    name: Annotated[str, typer.Argument(metavar="REMOTE_AE", help="Name under remote_aes.")],
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="Studies of so many days, today the last.")] = 2,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what was missed, and fetch nothing.")] = False,
    json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Ask an archive for the studies of the last days that a route would take (C-FIND), compare them with the ledger,
    and have what never came sent here (C-MOVE), where it is analysed like any image. Exit 1 when something was not
    looked at, or did not come."""
    today = datetime.now().astimezone().date()  # as modalities write dates
    wanted = Wanted(name, today - timedelta(days=days - 1), today, fetches=not dry_run)

    def show(study: MissedStudy) -> None:
        if not json:
            say(_line(study, dry_run), "" if dry_run or study.fetched == study.missed else "red")

    with writing_node(config) as (settings, ledger):
        found = reconciliation.reconcile(settings, ledger, wanted, recorded_operator(ledger), show)
    if json:
        say_json(document_of(found))
    else:
        for problem in found.problems:
            say(f"not looked at: {problem}", "red")
        looked = f"{counted(found.studies, 'study', 'studies')} with {counted(found.images, 'image')}"
        missed = counted(len(found.missed), "study", "studies")
        say(f"{looked} of {', '.join(found.modalities)} at {name}; {missed} missed")
    if found.problems or not (dry_run or found.is_well):
        raise typer.Exit(ExitCode.FAILED)


def _line(study: MissedStudy, dry_run: bool) -> str:
    who = f"{study.study_instance_uid} ({study.study_date}, accession {study.accession_number or '-'})"
    came = "" if dry_run else f", {study.fetched} fetched"
    why = f": {study.problem}" if study.problem else ""
    return f"{who}: {counted(study.missed, 'image')} missed{came}{why}"
