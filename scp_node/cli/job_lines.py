"""Jobs in words: what they are, where they send to, and why they wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scp_node.cli.listing import Listing
from scp_node.cli.moments import local
from scp_node.ledger import JobRow
from scp_node.ledger.job_selection import JobCause
from scp_node.ledger.records import JobKind, JobState
from scp_node.workflow.job_kinds import destination_of

_STATES: dict[JobState, tuple[str, str]] = {
    "queued": ("is queued", "are queued"),
    "running": ("is running", "are running"),
    "waiting": ("waits", "wait"),
    "dead": ("is dead", "are dead"),
    "done": ("is done", "are done"),
}
_KINDS: dict[JobKind, tuple[str, str]] = {
    "image": ("image to analyse", "images to analyse"),
    "study": ("study to report", "studies to report"),
    "delivery": ("delivery", "deliveries"),
    "commitment": ("confirmation", "confirmations"),
    "shadow": ("image for a second model", "images for a second model"),
}


def job_listing(jobs: Sequence[JobRow]) -> Listing:
    """One job a line; the error is shown whole by `hilum jobs show`."""
    listing = Listing("state", "attempts", "due or given up", "to", "job", "error", ends_in_sentence=True)
    for job in jobs:
        style = "red" if job.state == "dead" else ""
        to = destination_of(job.queue) or "-"
        at = local(job.changed_at if job.state == "dead" else job.due_at)
        listing.add(job.state, str(job.attempts), at, to, job.job_id, job.error, style=style)
    return listing


def cause_lines(causes: Sequence[JobCause]) -> Iterator[str]:
    """`412 deliveries to pacs wait: connection refused; next at 03:12:10`."""
    for one in causes:
        to = destination_of(one.queue)
        what = kind_in_words(one.kind, one.jobs) + (f" to {to}" if to else "")
        because = f": {one.error}" if one.error else ""
        due = f"; next at {local(one.due_at)}" if one.state in ("queued", "waiting") else ""
        yield f"{one.jobs} {what} {_STATES[one.state][one.jobs > 1]}{because}{due}"


def kind_in_words(kind: JobKind, count: int) -> str:
    return _KINDS[kind][count > 1]
