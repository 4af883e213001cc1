"""`hilum studies`: which studies came, what was found or declined, and whether the results have arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, get_args

import typer

from converter.page.counted import counted
from scp_node.cli.listing import JsonLinesOption, Listing
from scp_node.cli.moments import HELP, local, moment_named
from scp_node.cli.options import DEFAULT_CONFIG, PlaceOption, reading_node
from scp_node.cli.terminal import say, say_json
from scp_node.errors import UsageError
from scp_node.ledger.records import DeliveryState, InstanceState
from scp_node.queries.document import document_of
from scp_node.queries.studies import StudyFilter, StudySummary, newest_studies

STATES: tuple[InstanceState, ...] = get_args(InstanceState)
DELIVERED: dict[DeliveryState, str] = {
    "committed": "confirmed",
    "sent": "sent",
    "queued": "to be sent",
    "failed": "waiting",
    "dead": "given up",
}
SinceOption = Annotated[str | None, typer.Option(metavar="MOMENT", help=f"Received since then: {HELP}.")]
StateOption = Annotated[str | None, typer.Option(help=f"With an image in this state: {', '.join(STATES)}.")]
CodeOption = Annotated[str | None, typer.Option(metavar="CODE", help="With an image that was declined with this code.")]
AccessionOption = Annotated[
    list[str] | None, typer.Option(metavar="NUMBER", help="With this number. May be given more than once.")
]


def studies(
    since: SinceOption = None,
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="Received before then.")] = None,
    state: StateOption = None,
    source: Annotated[str | None, typer.Option(metavar="REMOTE_AE", help="With an image from it.")] = None,
    declined: Annotated[bool, typer.Option("--declined", help="With an image that was not analysed.")] = False,
    code: CodeOption = None,
    positive: Annotated[bool, typer.Option("--positive", help="With a positive finding.")] = False,
    finding: Annotated[str | None, typer.Option(metavar="NAME", help="Positive for this finding.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Of which something was given up.")] = False,
    accession: AccessionOption = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most studies shown, the last ones.")] = 50,
    json: JsonLinesOption = False,
    config: PlaceOption = DEFAULT_CONFIG,
) -> None:
    """The studies that came, the newest last: when, from whom, how many images in which state, why some were declined,
    what is positive, and how far the results have come."""
    now = datetime.now(UTC)
    chosen = next((one for one in STATES if one == state), None)
    if state is not None and chosen is None:
        raise UsageError(f"there is no state {state}; states are {', '.join(STATES)}")
    wanted = StudyFilter(
        received_from=None if since is None else moment_named("--since", since, now),
        received_before=None if until is None else moment_named("--until", until, now),
        source=source,
        state=chosen,
        declined=declined,
        decline_code=code,
        positive=positive,
        finding=finding,
        dead=dead,
        accession_numbers=tuple(accession or ()),
    )
    with reading_node(config) as (_, ledger), ledger.reading() as tx:
        found = list(newest_studies(tx, wanted, limit))[::-1]
    if json:
        for one in found:
            say_json(document_of(one))
        return
    _show(found)


def _show(found: Sequence[StudySummary]) -> None:
    _listing(found).show()
    if not found:
        say("There is no such study.")


def _listing(found: Sequence[StudySummary]) -> Listing:
    listing = Listing("received", "accession", "source", "images", "declined", "positive", "results", "study")
    for one in found:
        style = "red" if one.dead_jobs else ""
        listing.add(
            *(local(one.first_received_at), one.accession_number, ", ".join(one.sources)),
            *(", ".join(f"{count} {state}" for state, count in one.images.items()), ", ".join(one.declines)),
            ", ".join(f"{name} {100 * probability:.2f} %" for name, probability in one.positives.items()),
            *(results_in_words(one), one.study_instance_uid),
            style=style,
        )
    return listing


def results_in_words(study: StudySummary) -> str:
    """How far the results of a study have come."""
    dead_others = study.dead_jobs - study.deliveries.get("dead", 0)
    given_up = f", {counted(dead_others, 'job')} given up" if dead_others > 0 else ""
    if study.deliveries:
        counts = ((study.deliveries.get(state, 0), words) for state, words in DELIVERED.items())
        return ", ".join(f"{count} {words}" for count, words in counts if count) + given_up
    if study.images.get("received"):
        return "being analysed" + given_up
    return ("being reported" if study.images.get("inferred") else "none") + given_up
