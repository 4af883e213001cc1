"""`hilum deliveries`: which result went to which destination, and how far it has come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, get_args

import typer

from scp_node.cli.job_choice import StudyOption, ToOption, checked
from scp_node.cli.listing import JsonLinesOption, Listing
from scp_node.cli.moments import HELP, local, moment_named
from scp_node.cli.options import DEFAULT_CONFIG, PlaceOption, reading_node
from scp_node.cli.terminal import say, say_json
from scp_node.errors import UsageError
from scp_node.ledger.records import DeliveryState
from scp_node.queries.deliveries import DeliveryFilter, DeliveryRecord, list_deliveries
from scp_node.queries.document import document_of
from scp_node.queries.identity import study_named

STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)


def deliveries(
    state: Annotated[
        list[str] | None,
        typer.Option(help=f"Deliveries in this state: {', '.join(STATES)}. May be given more than once."),
    ] = None,
    to: ToOption = None,
    study: StudyOption = None,
    since: Annotated[str | None, typer.Option(metavar="MOMENT", help=f"Entered since then: {HELP}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most deliveries shown, the last ones.")] = 50,
    json: JsonLinesOption = False,
    config: PlaceOption = DEFAULT_CONFIG,
) -> None:
    """Results on their way to their destinations, the newest last: state, attempts, and what the destination said."""
    for name in state or ():
        if name not in STATES:
            raise UsageError(f"there is no state {name}; states are {', '.join(STATES)}")
    states = [one for one in STATES if one in (state or ())]
    begin = None if since is None else moment_named("--since", since, datetime.now(UTC))
    with reading_node(config) as (settings, ledger), ledger.reading() as tx:
        of_study = None if study is None else study_named(tx, study)
        wanted = DeliveryFilter(states, checked(tx, settings, to), of_study, begin)
        found = list_deliveries(tx, wanted, limit)[::-1]
    if json:
        for one in found:
            say_json(document_of(one))
        return
    _listing(found).show()
    if not found:
        say("There is no such delivery.")


def _listing(found: tuple[DeliveryRecord, ...]) -> Listing:
    listing = Listing("entered", "to", "state", "attempts", "next", "kind", "result", "detail", ends_in_sentence=True)
    for one in found:
        style = {"dead": "red", "failed": "yellow"}.get(one.state, "")
        listing.add(
            *(local(one.created_at), one.destination, one.state, str(one.attempts), local(one.next_attempt_at)),
            *(one.kind, one.result_uid, one.detail),
            style=style,
        )
    return listing
