"""Between which characters of a YAML text its values and comments stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from scp_node.settings.strict_yaml import Loc, composed

_LINE_END = re.compile("[\\0\r\n\x85\u2028\u2029]")


@dataclass(frozen=True)
class Scalar:
    """A value of a text, and between which of its characters it stands. `is_shared`: it has an anchor, or is within
    what has one, or its key is an alias: it may mean something elsewhere that its own place does not tell."""

    loc: Loc
    value: str
    start: int
    end: int
    is_shared: bool = False


def scalars(text: str) -> list[Scalar] | None:
    """Every value of a text in its order, those of repeated keys too; None where it is no YAML."""
    try:
        root, shared = composed(text)
    except yaml.YAMLError:
        return None
    return [] if root is None else list(_scalars(root, (), shared, False))


def _scalars(node: yaml.Node, loc: Loc, shared: set[int], is_shared: bool) -> Iterator[Scalar]:
    is_shared = is_shared or id(node) in shared
    if isinstance(node, yaml.ScalarNode):
        start, end = (mark.index for mark in (node.start_mark, node.end_mark))
        yield Scalar(loc, node.value, start, end, is_shared)
        return
    for position, item in enumerate(node.value):
        if not isinstance(node, yaml.MappingNode):
            yield from _scalars(item, (*loc, position), shared, is_shared)
        elif isinstance(item[0], yaml.ScalarNode):
            yield from _scalars(item[1], (*loc, item[0].value), shared, is_shared or id(item[0]) in shared)
        else:
            for part in item:
                yield from _scalars(part, (*loc, ""), shared, True)


def comments(text: str) -> list[tuple[int, int]]:
    """Between which characters of a text comments stand, from the `#` on; nothing where it is no YAML."""
    try:
        root, _ = composed(text)
    except yaml.YAMLError:
        return []
    found, at = [], 0
    for start, end in [*sorted(() if root is None else _spans(root, text)), (len(text), len(text))]:
        while (mark := text.find("#", at, start)) >= 0:
            ends = _LINE_END.search(text, mark)
            at = len(text) if ends is None else ends.start()
            found.append((mark, at))
        at = max(at, end)
    return found


def _spans(node: yaml.Node, text: str) -> Iterator[tuple[int, int]]:
    """Where keys and values stand; those of blocks from their second line on, because the first may hold a comment."""
    if isinstance(node, yaml.ScalarNode):
        start, end = node.start_mark.index, node.end_mark.index
        line = _LINE_END.search(text, start, end) if node.style in ("|", ">") else None
        yield (start if line is None else line.end()), end
        return
    for item in node.value:
        for part in item if isinstance(node, yaml.MappingNode) else (item,):
            yield from _spans(part, text)
