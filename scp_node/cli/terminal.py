"""What a command prints: text from outside is never markup, control or a line of its own.

An archive's answer, a manifest, a file name or a configuration may hold anything. Commands print through here alone.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from scp_node.errors import UsageError
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


def write(document: bytes) -> None:
    """A document as it is, for a file or a program behind a pipe; a terminal gets text only, by `say`."""
    sys.stdout.buffer.write(document)


def is_terminal() -> bool:
    return sys.stdout.isatty()


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None where it goes to a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def cells_wide(text: str) -> int:
    """How many columns `text` takes on a terminal."""
    return cell_len(text)


def agreed(question: str) -> bool:
    """Whether a person at the terminal says yes. Raises UsageError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody can be asked here: say --yes")
    return typer.confirm(printable(question), err=True)


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


@contextmanager
def counting(text: str) -> Iterator[Callable[[], None]]:
    """A count of what has been done, of which nobody knows beforehand how much it is; call what is yielded each time.
    It goes to standard error, and shows on a terminal only."""
    bar = Progress(
        *Progress.get_default_columns()[:1],
        TextColumn("{task.completed}"),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(text, total=None)
        yield lambda: bar.advance(task)


def megabytes(count: int) -> str:
    """Bytes as people read them."""
    return f"{count / 2**20:.1f} MiB"


def working(text: str) -> AbstractContextManager[object]:
    """A sign that something goes on, with what it is."""
    return Console().status(cell(text))
