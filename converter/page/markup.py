"""Pieces of HTML that several parts of the page need. Arguments are markup already, except where a name is given."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape


def table(heads: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A table that scrolls in itself; each row is its heading and its cells."""
    head = "".join(f"<th>{one}</th>" for one in ("", *heads))
    body = "".join(row(title, cells) for title, cells in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def row(title: str, cells: Sequence[str], of: str = "") -> str:
    kind = f' class="{of}"' if of else ""
    return f"<tr{kind}><th>{title}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def number(worded: str) -> str:
    """A figure for a cell: its interval small and on its own line. `worded` as the module wording writes it."""
    value, _, interval = worded.partition(" (")
    small = f"<small>{escape(interval.rstrip(')'))}</small>" if interval else ""
    return f'<span class="number">{escape(value)}{small}</span>'


def small(words: str) -> str:
    return f"<small>{escape(words)}</small>"


def jpeg_image(jpeg: bytes, description: str) -> str:
    url = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
    return f'<img src="{url}" alt="{escape(description)}">'
