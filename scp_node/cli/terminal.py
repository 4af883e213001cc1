"""What a command prints: text from outside is never markup, control or a line of its own.

An archive's answer, a manifest, a file name or a configuration may hold anything. Commands print through here alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from scp_node.telemetry.printable import on_one_line

STYLES: dict[str, dict[str, Any]] = {
    "": {},
    "bold": {"bold": True},
    "dim": {"dim": True},
    "red": {"fg": typer.colors.RED},
    "yellow": {"fg": typer.colors.YELLOW},
}


def printable(text: str) -> str:
    """`text` on one line, with an escape for what does not print and for what the terminal's character set lacks."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return on_one_line(text).encode(encoding, "backslashreplace").decode(encoding)


def say(text: str = "", style: str = "", error: bool = False) -> None:
    """One line; `style` is a key of STYLES and shows on a terminal only. With `error` on standard error."""
    typer.secho(printable(text), err=error, **STYLES[style])


def say_json(document: Mapping[str, Any]) -> None:
    """One JSON object on one line, in ASCII."""
    typer.echo(json.dumps(document, allow_nan=False).replace("\x7f", "\\u007f"))


def cell(text: str, style: str = "") -> Text:
    """A cell of a table."""
    return Text(printable(text), style)


class TextTable(Table):
    """A table whose title and cells are plain text. Headers and styles are our own."""

    def __init__(self, *headers: str, title: str = "", **layout: Any) -> None:
        super().__init__(*headers, title=cell(title) if title else None, title_justify="left", **layout)

    def add(self, *cells: str | Text, style: str = "") -> None:
        """Add a row. A `Text` is what `cell` has made."""
        self.add_row(*(one if isinstance(one, Text) else cell(one) for one in cells), style=style)

    def show(self, file_width: int | None = None) -> None:
        """Print it: as wide as the terminal, or `file_width` characters where there is none."""
        console = Console()
        if file_width is not None and not console.is_terminal:
            console = Console(width=file_width)
        console.print(self)


def progress(error: bool = False) -> Progress:
    """A progress bar where a person waits. Lines that are said meanwhile stand above it; what goes to a file still
    goes there."""
    stream = sys.stderr if error else sys.stdout
    return Progress(
        *Progress.get_default_columns()[:2],
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=error),
        transient=True,
        disable=not stream.isatty(),
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=sys.stderr.isatty(),
    )


def working(text: str) -> AbstractContextManager[object]:
    """A sign that something goes on, with what it is."""
    return Console().status(cell(text))
