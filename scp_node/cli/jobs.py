"""`hilum jobs`: the queue and the dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import typer

from scp_node.cli.job_choice import (
    AllOption,
    DeadOption,
    JobIds,
    KindOption,
    StudyOption,
    ToOption,
    YesOption,
    chosen_jobs,
    filter_of,
)
from scp_node.cli.job_lines import cause_lines, job_listing
from scp_node.cli.listing import JsonLinesOption
from scp_node.cli.moments import local
from scp_node.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    PlaceOption,
    reading_node,
    recorded_operator,
    writing_node,
)
from scp_node.cli.terminal import agreed, progress, say, say_json
from scp_node.engine.wakeup import Waker
from scp_node.errors import UsageError
from scp_node.operations import jobs as operations
from scp_node.operations.acts import Act
from scp_node.operations.jobs import SELECTED_MAX
from scp_node.queries.identity import job_named
from scp_node.queries.jobs import (
    JOB_STATES,
    LISTED_STATES,
    cause_document,
    causes_of,
    job_details,
    job_document,
)
from scp_node.queries.jobs import list_jobs as jobs_in
from scp_node.settings.places import wakeup_path

CAUSES_MAX, LINES_MAX = 20, 50
jobs_app = typer.Typer(help="List, show, retry and cancel jobs.", no_args_is_help=True)


@jobs_app.command("list")
def list_jobs(
    state: Annotated[
        list[str] | None,
        typer.Option(help="Jobs in this state: queued, waiting, running, dead, done. May be given more than once."),
    ] = None,
    kind: KindOption = None,
    study: StudyOption = None,
    to: ToOption = None,
    by_cause: Annotated[
        bool, typer.Option("--by-cause", help="How many for which reason, and not one by one.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most jobs shown.")] = 50,
    json: JsonLinesOption = False,
    config: PlaceOption = DEFAULT_CONFIG,
) -> None:
    """Jobs that wait, run or failed, oldest first, and how many there are for which reason. Of those that are done, the
    last ones."""
    for one in state or ():
        if one not in JOB_STATES:
            raise UsageError(f"there is no state {one}; states are {', '.join(JOB_STATES)}")
    states = [one for one in JOB_STATES if one in (state or LISTED_STATES)]
    with reading_node(config) as (settings, ledger), ledger.reading() as tx:
        wanted = filter_of(tx, settings, states, kind, study, to)
        causes = causes_of(tx, wanted, CAUSES_MAX) if by_cause or not json else ()
        listed = jobs_in(tx, wanted, 0 if by_cause else limit)
    if json:
        for document in map(cause_document, causes) if by_cause else map(job_document, listed.jobs):
            say_json(document)
        return
    job_listing(listed.jobs).show()
    for line in cause_lines(causes):
        say(line)
    if not causes:
        say("There is no such job." if listed.counts else "Nothing waits, runs or has failed.")


@jobs_app.command("show")
def show_job(
    job_id: Annotated[
        str, typer.Argument(metavar="JOB_ID", help="Its id, or a beginning or an end that no other one has.")
    ],
    json: JsonOption = False,
    config: PlaceOption = DEFAULT_CONFIG,
) -> None:
    """Everything the ledger knows of one job."""
    with reading_node(config) as (_, ledger), ledger.reading() as tx:
        details = job_details(tx, job_named(tx, job_id))
    if json:
        say_json(job_document(details.job) | {"events": details.events})
        return
    known = vars(details.job) | {"attempt": details.job.attempts}
    for field, value in known.items():
        name = "attempts" if field == "attempt" else field  # as `hilum deliveries` counts them
        say(f"{name:20} {local(value) if name.endswith(('_at', '_until')) else value}")
    study = details.job.study_instance_uid
    say(f"{'events of the study':20} {details.events}; see: hilum explain {study}")


@jobs_app.command("retry")
def retry_jobs(
    job_ids: JobIds = None,
    every: AllOption = False,
    dead: DeadOption = False,
    to: ToOption = None,
    kind: KindOption = None,
    study: StudyOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Try jobs again now: those that are named, or all that are waiting or dead and that the options mean. `--to NAME`
    is for an archive that is back: what waits for it, and what had been given up."""
    with writing_node(config) as (settings, ledger):
        waker, who = Waker(wakeup_path(settings)), recorded_operator(ledger)
        with ledger.reading() as tx:
            if to is not None and kind is None:  # what is only waited for need not be asked for again
                kind = "delivery"
            wanted = filter_of(tx, settings, ("dead",) if dead else ("waiting", "dead"), kind, study, to)
            chosen = chosen_jobs(tx, job_ids, wanted, is_all=every or dead)
        if job_ids:
            for job_id in chosen:
                operations.retry_job(ledger, waker, job_id, who)
                say(f"{job_id}: tried again now")
            return
        _show_acts(operations.retry_jobs(ledger, waker, chosen, who), len(chosen), "tried again now", "retry")


@jobs_app.command("cancel")
def cancel_jobs(
    job_ids: JobIds = None,
    every: AllOption = False,
    to: ToOption = None,
    kind: KindOption = None,
    study: StudyOption = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take queued or waiting jobs out of the queue: those that are named, or all that the options mean. They stay
    visible as dead letters."""
    with writing_node(config) as (settings, ledger):
        with ledger.reading() as tx:
            wanted = filter_of(tx, settings, ("queued", "waiting"), kind, study, to)
            chosen = chosen_jobs(tx, job_ids, wanted, is_all=every)
        if len(chosen) > 1 and not yes and not agreed(f"Cancel {len(chosen)} jobs?"):
            say("Nothing was cancelled.")
            return
        if job_ids:
            for job_id in chosen:
                operations.cancel_job(ledger, job_id, recorded_operator(ledger))
                say(f"{job_id}: cancelled")
            return
        _show_acts(
            operations.cancel_jobs(ledger, chosen, recorded_operator(ledger)), len(chosen), "cancelled", "cancel"
        )


def _show_acts(acts: Iterable[Act], total: int, done: str, verb: str) -> None:
    """What became of each of many jobs: a line for each where they are few, and how many in the end."""
    counts: Counter[str] = Counter()
    with progress(error=True) as bar:
        task = bar.add_task(verb, total=total)
        for act in acts:
            counts[act.outcome] += 1
            if total <= LINES_MAX:
                say(f"{act.object_id}: {done if act.outcome == 'done' else 'left alone, it has changed meanwhile'}")
            bar.advance(task)
    if not total:
        say(f"Nothing to {verb}: there is no such job.")
    elif total > LINES_MAX:
        changed = f"; {counts['refused']} had changed meanwhile" if counts["refused"] else ""
        say(f"{counts['done']} jobs: {done}{changed}")
    if total == SELECTED_MAX:
        say("There may be more: give the command again.")
