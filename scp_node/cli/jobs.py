"""`hilum jobs`: the queue and the dead letters."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, open_jobs, open_ledger
from scp_node.errors import UsageError
from scp_node.ledger import JobRow
from scp_node.ledger.records import JobState
from scp_node.workflow import job_subjects

jobs_app = typer.Typer(help="List, show, retry and cancel jobs.", no_args_is_help=True)
STATES: tuple[JobState, ...] = ("queued", "waiting", "running", "dead")
ALL_STATES: tuple[JobState, ...] = (*STATES, "done")


@jobs_app.command("list")
def list_jobs(
    config: ConfigOption = DEFAULT_CONFIG,
    state: Annotated[
        str | None, typer.Option(help="Only jobs in this state: queued, waiting, running, dead, done.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most jobs shown.")] = 50,
) -> None:
    """Jobs that wait, run or failed, oldest first, and how many there are of each kind."""
    if state is not None and state not in ALL_STATES:
        raise UsageError(f"there is no state {state}; states are {', '.join(ALL_STATES)}")
    ledger = open_ledger(config)
    with ledger.reading() as tx:
        rows = tx.jobs.in_states([one for one in ALL_STATES if one == state] or STATES, limit)
        counts = tx.jobs.count()
    console = Console()
    if rows:
        table = Table("job", "state", "attempt", "due (UTC)", "error", box=None, pad_edge=False)
        for row in rows:
            due = row.due_at.strftime("%Y-%m-%d %H:%M:%S")
            table.add_row(row.job_id, row.state, str(row.attempt), due, row.error, style=_style(row))
        console.print(table)
    summary = ", ".join(f"{count} {kind} {one}" for (kind, one), count in sorted(counts.items()))
    console.print(summary or "no jobs yet", highlight=False)


@jobs_app.command("show")
def show_job(
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", help="As 'hilum jobs list' prints it.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Everything the ledger knows of one job."""
    ledger = open_ledger(config)
    with ledger.reading() as tx:
        job = tx.jobs.get(job_id)
        if job is None:
            raise UsageError(f"there is no job {job_id}; 'hilum jobs list' names them")
        events = tx.events.of_study(job.study_instance_uid)
    for name, value in vars(job).items():
        typer.echo(f"{name:20} {value}")
    typer.echo(f"{'events of the study':20} {len(events)}; see: hilum explain {job.study_instance_uid}")


@jobs_app.command("retry")
def retry_job(
    job_ids: Annotated[list[str] | None, typer.Argument(metavar="JOB_ID", help="Dead or waiting jobs.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Every dead letter.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Try dead or waiting jobs again now."""
    ledger, waker = open_jobs(config)
    with ledger.reading() as tx:
        chosen = list(job_ids or []) + ([row.job_id for row in tx.jobs.in_states(("dead",), 10_000)] if dead else [])
    if not chosen:
        raise UsageError("name at least one job, or use --dead" if not dead else "there are no dead letters")
    for job_id in dict.fromkeys(chosen):
        with ledger.transaction() as tx:
            job_subjects.retry_job(tx, job_id)
        typer.echo(f"{job_id}: queued again")
    waker.wake()


@jobs_app.command("cancel")
def cancel_job(
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", help="A queued or waiting job.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take a queued or waiting job out of the queue; it stays visible as a dead letter."""
    ledger, _ = open_jobs(config)
    with ledger.transaction() as tx:
        job_subjects.cancel_job(tx, job_id)
    typer.echo(f"{job_id}: cancelled")


def _style(row: JobRow) -> str:
    return "red" if row.state == "dead" else ""
