"""`hilum report`: the one-page report of a study, as text, page or PDF."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, reading_node
from scp_node.cli.terminal import is_terminal, say, write
from scp_node.errors import UsageError

if TYPE_CHECKING:
    from scp_node.ledger import Ledger
    from scp_node.reporting.sheet import SheetForm
    from scp_node.settings import Settings


def report(
    study: Annotated[
        str,
        typer.Argument(
            metavar="ACCESSION|UID", help="Accession number or Study Instance UID, or a beginning or end of that."
        ),
    ],
    html: Annotated[bool, typer.Option("--html", help="As a page, with the pictures in it.")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="As PDF.")] = False,
    text: Annotated[bool, typer.Option("--text", help="As plain text, as without an option.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Write it there instead of printing it.")
    ] = None,
    route: Annotated[
        str | None, typer.Option(metavar="ROUTE", help="Whose report, where several routes have one of the study.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """The last report of a study on one page, made of the Structured Report that was sent. It names the patient.

    The console shows the same page, and the API has it under /api/studies/UID/report.html and report.pdf.
    """
    form = _form(html=html, pdf=pdf, text=text)
    if form == "pdf" and out is None and is_terminal():
        raise UsageError("a PDF is nothing for a terminal: name a file with --out")
    with reading_node(config) as (settings, ledger):
        made = _made(settings, ledger, study, route, form)
    if out is not None:
        out.write_bytes(made)
        say(f"{out}: {len(made)} bytes")
    elif form == "text":
        for line in made.decode().splitlines():
            say(line)
    else:
        write(made)


def _form(*, html: bool, pdf: bool, text: bool) -> SheetForm:
    if html + pdf + text > 1:
        raise UsageError("one form at a time: --html, --pdf or --text")
    return "html" if html else "pdf" if pdf else "text"


def _made(settings: Settings, ledger: Ledger, study: str, route: str | None, form: SheetForm) -> bytes:
    from scp_node.decode.pool import DecodePool
    from scp_node.queries.identity import study_named
    from scp_node.queries.result_files import last_report
    from scp_node.reporting.sheet import RenderedFilms, SheetFiles, sheet_of
    from scp_node.storage.opening import open_blobs

    kinds = ("sr", "pdf") if form == "pdf" else ("sr",)
    with ledger.reading() as tx:
        found = last_report(tx, study_named(tx, study), route, *kinds)
    spool, limits = open_blobs(settings), settings.inference
    files = SheetFiles(
        spool.path(found.spool_name),
        {uid: spool.path(name) for uid, name in found.heatmaps.items()},
        {uid: spool.path(name) for uid, name in found.films.items()},
    )
    with closing(DecodePool.of(limits, 1)) as decoding:
        return sheet_of(files, form, RenderedFilms(decoding, limits.pixels_max))
