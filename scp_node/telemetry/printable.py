"""Text of strangers, as the log may show it."""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` on one line for the log, whatever a peer put into it."""
    return text.encode("unicode_escape").decode("ascii")[:200]
