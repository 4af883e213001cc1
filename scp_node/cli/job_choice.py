"""Which jobs a command is about: options that several commands share, and what they select."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, get_args

import typer

from scp_node.deliver.destinations import destination_named
from scp_node.errors import UsageError
from scp_node.ledger import Transaction
from scp_node.ledger.records import JobKind, JobState
from scp_node.operations.jobs import SELECTED_MAX
from scp_node.queries.deliveries import is_destination
from scp_node.queries.identity import job_named, study_named
from scp_node.queries.jobs import JobFilter, job_ids
from scp_node.settings import Settings

KINDS: tuple[JobKind, ...] = get_args(JobKind)
JobIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="JOB_ID", help="Ids of jobs, or beginnings or ends that no other one has."),
]
AllOption = Annotated[bool, typer.Option("--all", help="Every one.")]
DeadOption = Annotated[bool, typer.Option("--dead", help="Dead ones only.")]
KindOption = Annotated[str | None, typer.Option(help=f"Jobs of this kind: {', '.join(KINDS)}.")]
StudyOption = Annotated[
    str | None,
    typer.Option(metavar="UID|ACCESSION", help="Of one study: its UID, a beginning or end of it, or accession number."),
]
ToOption = Annotated[str | None, typer.Option(metavar="DESTINATION", help="To this destination, by its name.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def filter_of(
    tx: Transaction, settings: Settings, states: Sequence[JobState], kind: str | None, study: str | None, to: str | None
) -> JobFilter:
    """Raises UsageError for a kind or destination that does not exist, NothingFound for such a study."""
    of_kind = next((one for one in KINDS if one == kind), None)
    if kind is not None and of_kind is None:
        raise UsageError(f"there is no kind {kind}; kinds are {', '.join(KINDS)}")
    return JobFilter(states, of_kind, None if study is None else study_named(tx, study), checked(tx, settings, to))


def checked(tx: Transaction, settings: Settings, to: str | None) -> str | None:
    """The destination `to`, if it is or was one. Raises UsageError."""
    if to is None or is_destination(tx, to):
        return to
    destination_named(settings, to)
    return to


def chosen_jobs(tx: Transaction, names: Sequence[str] | None, wanted: JobFilter, *, is_all: bool) -> tuple[str, ...]:
    """Ids of the jobs that are named, or that `wanted` means. Raises UsageError where neither or both are said."""
    is_narrowed = wanted.kind is not None or wanted.study_instance_uid is not None or wanted.destination is not None
    if names and (is_all or is_narrowed):
        raise UsageError("name jobs, or say which by options, not both")
    if names:
        return tuple(dict.fromkeys(job_named(tx, name) for name in names))
    if not (is_all or is_narrowed):
        raise UsageError("name at least one job, or say which: --to, --kind, --study, or --all")
    return job_ids(tx, wanted, SELECTED_MAX)
