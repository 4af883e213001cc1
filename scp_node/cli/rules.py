"""`hilum rules`: what the routes of a configuration would do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from converter.page.counted import counted
from scp_node.cli.listing import Listing
from scp_node.cli.moments import HELP, local, moment_named
from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption, reading_node
from scp_node.cli.terminal import say, say_json
from scp_node.queries.document import document_of
from scp_node.queries.route_replay import IMAGES_MAX, Fate, RouteReplay, replay_routes
from scp_node.settings.file import load_settings

rules_app = typer.Typer(help="Try routes on the images that came.", no_args_is_help=True)
WORDS = {
    "taken": "would be taken that are not now",
    "declined": "would be declined or turned away",
    "route": "would take another route",
    "model": "would have another model",
    "destinations": "would go to other destinations",
    "priority": "would have another priority",
    "reason": "would be declined for another reason",
}


@rules_app.callback()
def rules() -> None:
    """Try routes on the images that came."""


@rules_app.command("test")
def test(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", readable=False, help="The other configuration; the present one if absent."),
    ] = None,
    last: Annotated[str, typer.Option(metavar="MOMENT", help=f"Studies received since then: {HELP}.")] = "7d",
    images: Annotated[
        int, typer.Option(min=1, max=200_000, help="Most images that are tried, those of the newest studies.")
    ] = IMAGES_MAX,
    limit: Annotated[int, typer.Option(min=0, max=100_000, help="Most changed studies shown.")] = 50,
    json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Try the routes of FILE on the images that came, and say what would change against the present configuration: for
    which studies, and how. Without FILE, try the present routes, and say what would change against what became of each
    image. Told by headers alone: what a model was made for, and its input gate, are not asked. Changes nothing."""
    since = moment_named("--last", last, datetime.now(UTC))
    present = load_settings(config)
    other = present if file is None else load_settings(file)
    with reading_node(config) as (_, ledger), ledger.reading() as tx:
        found = replay_routes(tx, since, None if file is None else present, other, images)
    if json:
        say_json(document_of(found))
        return
    for line in _counts(found):
        say(line)
    _listing(found, limit).show()
    if len(found.changed_studies) > limit:
        say(f"... and {len(found.changed_studies) - limit} more; see --limit, or --json for all of them")


def _counts(found: RouteReplay) -> Iterator[str]:
    asked = f"{counted(found.images, 'image')} of {counted(found.studies, 'study', 'studies')}"
    yield f"{asked} received since {local(found.since)}{'; there are more, see --images' if found.is_cut else ''}"
    if found.unknown:
        yield f"  {counted(found.unknown, 'image')} without a header in the ledger, not tried"
    changed = counted(len(found.changed_studies), "study", "studies")
    yield f"  {changed} would change; as before: {counted(found.unchanged, 'image')}"
    for name, studies in found.changes.items():
        if studies:
            yield f"    {counted(studies, 'study', 'studies')} {WORDS[name]}"


def _listing(found: RouteReplay, limit: int) -> Listing:
    """A line for each study and change."""
    listing = Listing("received", "accession", "images", "before", "after", "study")
    for study in found.changed_studies[:limit]:
        for move in study.moves:
            listing.add(
                *(local(study.first_received_at), study.accession_number, str(move.images)),
                *(_said(move.before), _said(move.after), study.study_instance_uid),
            )
    return listing


def _said(fate: Fate) -> str:
    if fate.state == "turned-away":
        return "turned away"
    way = "no route" if fate.route is None else f"{fate.route} to {', '.join(fate.to) or 'nobody'}"
    urgent = f", {fate.priority}" if fate.priority != "routine" else ""
    return f"{way}: {fate.model or f'declined, {fate.code}'}{urgent}"
