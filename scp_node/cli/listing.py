"""A list with one record a line: in a file or pipe one whole line each, on a terminal fit to its width.

What has to be copied is never cut: where a record is too wide for the terminal, columns go on below it. Only the last
column may be cut there, if it is a sentence that some other command shows whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from scp_node.cli.terminal import cells_wide, printable, say, terminal_width

JsonLinesOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of text.")]
GAP, INDENT = "  ", "    "
SENTENCE_MIN = 16


class Listing:
    """Headers of the columns, and rows below them. `ends_in_sentence`: the last column may be cut on a terminal."""

    def __init__(self, *headers: str, ends_in_sentence: bool = False) -> None:
        self._headers, self._ends_in_sentence = headers, ends_in_sentence
        self._rows: list[tuple[Sequence[str], str]] = []

    def add(self, *fields: str, style: str = "") -> None:
        """Add a record, a field a column."""
        self._rows.append(([printable(field) or "-" for field in fields], style))

    def show(self) -> None:
        """Print it, headers first; nothing if there is no record."""
        if not self._rows:
            return
        width = terminal_width()
        rows = [(self._headers, "bold"), *self._rows]
        widths = [max(cells_wide(row[column]) for row, _ in rows) for column in range(len(self._headers))]
        for row, style in rows:
            for line in self._lines(row, widths, width):
                say(line, style)

    def _lines(self, row: Sequence[str], widths: Sequence[int], width: int | None) -> Iterator[str]:
        """The lines of one record; without a width, one."""
        line, used, last = "", 0, len(row) - 1
        for column, field in enumerate(row):
            needed = widths[column] if column < last else cells_wide(field)
            if width is not None and column == last and self._ends_in_sentence:
                needed = min(needed, SENTENCE_MIN)
            gap = GAP if used else ""
            if width is not None and used and used + len(gap) + needed > width:
                yield line.rstrip()
                line, gap, used = INDENT, "", len(INDENT)
            if width is not None and column == last and self._ends_in_sentence:
                field = _cut(field, max(width - used - len(gap), SENTENCE_MIN))
            padding = " " * (widths[column] - cells_wide(field)) if column < last else ""
            line += gap + field + padding
            used += len(gap) + max(needed, cells_wide(field))
        yield line.rstrip()


def _cut(text: str, width: int) -> str:
    """`text` in at most `width` columns, and a sign where something is left out."""
    if cells_wide(text) <= width:
        return text
    kept = text[:width]
    while cells_wide(kept) > width - 3:
        kept = kept[:-1]
    return kept.rstrip() + "..."
