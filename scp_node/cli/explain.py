"""`hilum explain`: what happened to a study, or why nothing comes from a device, in plain words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from scp_node.cli.caller_lines import caller_lines
from scp_node.cli.listing import JsonLinesOption
from scp_node.cli.moments import local
from scp_node.cli.options import DEFAULT_CONFIG, PlaceOption, reading_node
from scp_node.cli.study_lines import study_lines
from scp_node.cli.terminal import say, say_json
from scp_node.errors import NothingFound, UsageError
from scp_node.ledger import Ledger, Transaction
from scp_node.queries.caller_story import CallerStory, LastArrival, caller_story, last_arrival
from scp_node.queries.document import document_of
from scp_node.queries.identity import study_of_part
from scp_node.queries.study_story import story_of, studies_named
from scp_node.settings import Settings

STUDIES_MAX = 1_000


def explain(
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="ACCESSION|UID|AE_TITLE",
            help="Accession number, or a study, image or result UID, or a beginning or end of one that no other study "
            "has; or an AE title, or the name of a remote AE.",
        ),
    ] = None,
    ae: Annotated[
        str | None, typer.Option(metavar="AE_TITLE", help="An AE title or a remote AE, and no study.")
    ] = None,
    json: JsonLinesOption = False,
    config: PlaceOption = DEFAULT_CONFIG,
) -> None:
    """Every step of a study in plain words: what came, what was found or refused and why, what was delivered. Of an AE
    title: when it called, what it was refused, and why nothing comes from it."""
    wanted = (key if ae is None else ae) or ""
    if not wanted.strip() or (key is not None and ae is not None):
        raise UsageError("name one study, by its accession number or a UID, or one AE title")
    with reading_node(config) as (settings, ledger):
        with ledger.reading() as tx:
            studies, caller = _meant(tx, settings, wanted, is_title=ae is not None)
            if not studies and not caller.callers:
                raise _nothing_found(caller, last_arrival(tx), is_title=ae is not None or caller.is_known)
        if not studies:
            _show_caller(caller, json)
        _show_studies(ledger, studies[:STUDIES_MAX], json)
        if len(studies) > STUDIES_MAX:
            say(f"There are more than {STUDIES_MAX} studies under {wanted}.", error=json)


def _meant(tx: Transaction, settings: Settings, key: str, *, is_title: bool) -> tuple[tuple[str, ...], CallerStory]:
    """The studies that `key` names, and who calls by this AE title. Only what is neither may be a part of a UID."""
    studies = () if is_title else studies_named(tx, key.strip(), STUDIES_MAX + 1)
    caller = caller_story(tx, settings, key)
    if not studies and not is_title and not caller.is_known:
        study = study_of_part(tx, key.strip())
        if study is not None:
            say(f"Nothing has the name {key}; a UID of this study begins or ends so.", error=True)
            return (study,), caller
    return studies, caller


def explanation(ledger: Ledger, study_instance_uid: str) -> list[str]:
    """The lines that explain one study."""
    with ledger.reading() as tx:
        story = story_of(tx, study_instance_uid)
    return list(study_lines(story))


def _show_studies(ledger: Ledger, studies: Iterable[str], json: bool) -> None:
    for study_instance_uid in studies:
        if json:
            with ledger.reading() as tx:
                say_json({"about": "study"} | document_of(story_of(tx, study_instance_uid)))
            continue
        for line in explanation(ledger, study_instance_uid):
            say(line)


def _show_caller(caller: CallerStory, json: bool) -> None:
    if json:
        say_json({"about": "ae-title"} | document_of(caller))
        return
    for line in caller_lines(caller):
        say(line)


def _nothing_found(caller: CallerStory, last: LastArrival | None, *, is_title: bool) -> NothingFound:
    came = "no image has ever come"
    if last is not None:
        came = f"the last images came from {last.source} ({last.calling_ae_title}) at {local(last.received_at)}"
    what = (
        f"no connection of {caller.ae_title} is known" if is_title else f"nothing was received under {caller.ae_title}"
    )
    error = NothingFound(f"{what}; {came}")
    doubt = () if is_title else ("If that is an AE title:",)
    error.further_lines = (*doubt, *caller_lines(caller), "  'hilum studies --since yesterday' lists what came.")
    return error
