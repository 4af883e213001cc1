"""Pieces of HTML that pages are made of. Arguments are markup already, except those called plain text."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal


def header(title: str, *below: str, notice: Iterable[str] = ()) -> str:
    """The head of a page: its title, what stands below it, and warnings in a frame. Title and warnings: plain text."""
    warnings = "".join(f'<p class="notice">{escape(one)}</p>' for one in notice)
    return f"<header><h1>{escape(title)}</h1>{''.join(below)}{warnings}</header>"


def section(heading: str, *parts: str) -> str:
    """A part of the page with a heading of its own."""
    return f"<section><h2>{heading}</h2>{''.join(parts)}</section>"


def table(label: str, heads: Sequence[str], rows: Iterable[str], first: str = "") -> str:
    """A table that scrolls in itself. `heads` stand over the cells, `first` over the headings of the rows; `rows` are
    those of `row`. `label`: what the table holds, plain text, for those who hear the page."""
    corner = f'<th scope="col">{first}</th>' if first else "<td></td>"
    head = corner + "".join(f'<th scope="col">{one}</th>' for one in heads)
    return (
        f'<div class="scroll" role="region" aria-label="{escape(label)}" tabindex="0"><table><thead><tr>{head}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def row(title: str, cells: Iterable[str], kind: str = "") -> str:
    """A row of a table: its heading and its cells. `kind`: its class in the style sheet."""
    opening = f'<tr class="{kind}">' if kind else "<tr>"
    return f'{opening}<th scope="row">{title}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, both plain text; a name without a value is left out."""
    rows = (row(escape(name), [escape(value)]) for name, value in pairs if value)
    return f'<table class="facts"><tbody>{"".join(rows)}</tbody></table>'


def small(words: str) -> str:
    """Plain text on a line of its own, smaller."""
    return f"<small>{escape(words)}</small>"


def picture(url: str, description: str) -> str:
    """An image. `description`: plain text, what it shows."""
    return f'<img src="{escape(url)}" alt="{escape(description)}">'


def data_url(kind: Literal["png", "jpeg"], content: bytes) -> str:
    """The address of an image that lies in the page itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
