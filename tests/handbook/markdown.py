"""Reads and writes Markdown: generated blocks, tables, links, headings, code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

# <!-- generated: NAME --> ... <!-- end of NAME -->
_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n)(.*?)(<!-- end of \2 -->)", re.S)
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```\s*$", re.M | re.S)
_INLINE = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.M)


@dataclass(frozen=True)
class Fence:
    """A fenced block of code: its language, and its lines."""

    language: str
    text: str


def with_blocks(text: str, blocks: Mapping[str, Callable[[], str]]) -> str:
    """`text` with each generated block made anew. Raises KeyError for a block that nobody makes."""
    return _BLOCK.sub(lambda match: f"{match[1]}\n{blocks[match[2]]().strip()}\n\n{match[4]}", text)


def block_names(text: str) -> list[str]:
    """Which generated blocks a document holds."""
    return [match[2] for match in _BLOCK.finditer(text)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; an upright stroke inside a cell would end it, and <name> outside of code would be taken for HTML."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts))


def fences(text: str) -> list[Fence]:
    return [Fence(match[1], match[2]) for match in _FENCE.finditer(text)]


def inline_code(text: str) -> list[str]:
    """What stands between backticks outside of fenced blocks; one that is broken over two lines is put together. A
    stroke that is escaped because it stands in a table is one."""
    return [" ".join(match[1].split()).replace("\\|", "|") for match in _INLINE.finditer(_FENCE.sub("", text))]


def links(text: str) -> list[str]:
    """Targets of links and pictures, outside of code."""
    return _LINK.findall(_INLINE.sub("", _FENCE.sub("", text)))


def anchors(text: str) -> set[str]:
    """What a link to a heading is called, as GitHub makes it of the heading."""
    return set(_anchors(text))


def _anchors(text: str) -> Iterator[str]:
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        yield plain.replace(" ", "-")
