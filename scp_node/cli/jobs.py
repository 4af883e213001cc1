"""`hilum jobs`: the queue and the dead letters."""

from __future__ import annotations

from typing import Annotated

import typer

from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, opened_node, operator
from scp_node.cli.terminal import TextTable, say
from scp_node.engine.wakeup import Waker
from scp_node.errors import UsageError
from scp_node.operations import jobs as operations
from scp_node.queries.jobs import JOB_STATES, LISTED_STATES, JobFilter, JobList, job_details
from scp_node.queries.jobs import list_jobs as jobs_in
from scp_node.settings.places import wakeup_path

jobs_app = typer.Typer(help="List, show, retry and cancel jobs.", no_args_is_help=True)


@jobs_app.command("list")
def list_jobs(
    config: ConfigOption = DEFAULT_CONFIG,
    state: Annotated[
        str | None, typer.Option(help="Only jobs in this state: queued, waiting, running, dead, done.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most jobs shown.")] = 50,
) -> None:
    """Jobs that wait, run or failed, oldest first, and how many there are of each kind."""
    if state is not None and state not in JOB_STATES:
        raise UsageError(f"there is no state {state}; states are {', '.join(JOB_STATES)}")
    states = [one for one in JOB_STATES if one == state] or LISTED_STATES
    with opened_node(config) as (_, ledger), ledger.reading() as tx:
        listed = jobs_in(tx, JobFilter(states), limit)
    if listed.jobs:
        _table(listed).show()
    summary = ", ".join(f"{count} {kind} {one}" for (kind, one), count in sorted(listed.counts.items()))
    say(summary or "no jobs yet")


@jobs_app.command("show")
def show_job(
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", help="As 'hilum jobs list' prints it.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Everything the ledger knows of one job."""
    with opened_node(config) as (_, ledger), ledger.reading() as tx:
        details = job_details(tx, job_id)
    for name, value in vars(details.job).items():
        say(f"{name:20} {value}")
    study = details.job.study_instance_uid
    say(f"{'events of the study':20} {details.events}; see: hilum explain {study}")


@jobs_app.command("retry")
def retry_job(
    job_ids: Annotated[list[str] | None, typer.Argument(metavar="JOB_ID", help="Dead or waiting jobs.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Every dead letter.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Try dead or waiting jobs again now."""
    with opened_node(config) as (settings, ledger):
        if not job_ids and not dead:
            raise UsageError("name at least one job, or use --dead")
        waker, who = Waker(wakeup_path(settings)), operator()
        for job_id in dict.fromkeys(job_ids or ()):
            operations.retry_job(ledger, waker, job_id, who)
            say(f"{job_id}: queued again")
        retried = operations.retry_dead_jobs(ledger, waker, who) if dead else ()
        for act in retried:
            say(f"{act.object_id}: queued again")
        if dead and not retried and not job_ids:
            raise UsageError("there are no dead letters")


@jobs_app.command("cancel")
def cancel_job(
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", help="A queued or waiting job.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take a queued or waiting job out of the queue; it stays visible as a dead letter."""
    with opened_node(config) as (_, ledger):
        operations.cancel_job(ledger, job_id, operator())
    say(f"{job_id}: cancelled")


def _table(listed: JobList) -> TextTable:
    table = TextTable("job", "state", "attempt", "due (UTC)", "error", box=None, pad_edge=False)
    for job in listed.jobs:
        due = job.due_at.strftime("%Y-%m-%d %H:%M:%S")
        style = "red" if job.state == "dead" else ""
        table.add(job.job_id, job.state, str(job.attempt), due, job.error, style=style)
    return table
