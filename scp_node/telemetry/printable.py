"""Text of strangers, as log and terminal may show it."""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` on one line for the log, whatever a peer put into it."""
    return text.encode("unicode_escape").decode("ascii")[:200]


def on_one_line(text: str) -> str:
    """`text` with an escape for whatever does not print: control, line ends, directions of writing."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
