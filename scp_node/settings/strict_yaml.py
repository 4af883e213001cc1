"""Strict YAML: what is written is what is read. Gives plain data, the place of every key and value, and all problems.

Compared with YAML 1.1, which PyYAML implements, only `true`, `false`, `null`, `~`, decimal numbers without leading
zeros and quoted text have a meaning. `yes`, `on`, `012`, `1:30` and dates stay the text that they are. Anchors,
aliases, tags, merge keys and repeated keys are problems. All problems of a file are collected, not only the first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from scp_node.telemetry.printable import on_one_line

FILE_BYTES_MAX = 1024 * 1024
DEPTH_MAX = 16

Loc = tuple[str | int, ...]
"""Path of a value: keys and zero-based positions in lists."""


@dataclass(frozen=True, order=True)
class Position:
    """Where something is in a file; both numbers count from one, as editors do."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong, and what to do about it."""

    place: Position
    key: str
    message: str
    hint: str = ""

    def lines(self, file: str) -> str:
        """`FILE:LINE:COL: key: message`, and the hint indented below."""
        text = on_one_line(f"{file}:{self.place.line}:{self.place.column}: {self.key}: {self.message}")
        return f"{text}\n    {on_one_line(self.hint)}" if self.hint else text


@dataclass
class Document:
    """`data` as far as it could be read. `unusable` holds paths whose value is missing from it because of a problem."""

    data: Any = None
    keys: dict[Loc, Position] = field(default_factory=dict)
    values: dict[Loc, Position] = field(default_factory=dict)
    unusable: set[Loc] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def place_of(self, loc: Loc, *, key: bool = False) -> Position:
        """Where `loc` is, or the innermost thing around it that is in the file."""
        for end in range(len(loc), -1, -1):
            for places in (self.keys, self.values) if key else (self.values, self.keys):
                if loc[:end] in places:
                    return places[loc[:end]]
            key = True
        return Position()


def dotted(loc: Loc) -> str:
    """`routes[0].to[1]`: the path as messages show it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".") or "(file)"


def read_yaml(content: bytes) -> Document:
    """Read a whole file. Never raises for what the file holds: look at `problems`."""
    document = Document()
    if len(content) > FILE_BYTES_MAX:
        document.problems.append(Problem(Position(), "(file)", f"is larger than {FILE_BYTES_MAX} bytes"))
        return document
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_at(content[: error.start].decode("utf-8-sig"))
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        document.problems.append(Problem(place, "(file)", message, "Save the file with the encoding UTF-8."))
        return document
    try:
        loader = _Loader(text, document)
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        document.problems.extend(_syntax_problems(error, text))
        return document
    if root is not None:
        document.data = _Reader(document, loader.refused).read(root, ())
    return document


def composed(text: str) -> tuple[yaml.Node | None, set[int]]:
    """The nodes of a text, and by `id` those with an anchor or a tag, and aliases. Raises YAMLError."""
    loader = _Loader(text, Document())
    root = loader.get_single_node()
    return root, {id(node) for node in (*loader.anchored, *loader.refused)}


class _Loader(yaml.SafeLoader):
    """Composes nodes with our own meaning of plain scalars; anchors, aliases and tags become problems."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  PyYAML's own registry, filled below

    def __init__(self, text: str, document: Document) -> None:
        super().__init__(text)
        self._document = document
        self._depth = 0
        self.refused: list[yaml.Node] = []
        self.anchored: list[yaml.Node] = []

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]
            self._refuse(event, f"the alias *{event.anchor}", "Repeat the value instead.")
            mark: Any = event.start_mark
            placeholder = yaml.ScalarNode("tag:yaml.org,2002:null", "", mark, mark)
            self.refused.append(placeholder)
            return placeholder
        has_anchor = event.anchor is not None
        if has_anchor:
            self._refuse(event, f"the anchor &{event.anchor}", "Write values out where they are needed.")
            event.anchor = None
        tagged = event.tag is not None
        if tagged:
            self._refuse(event, f"the tag {event.tag!r}", "Leave the tag out; put text in quotes.")
            event.tag = None
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {DEPTH_MAX} levels", problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if tagged and node is not None:
            self.refused.append(node)
        if has_anchor and node is not None:
            self.anchored.append(node)
        return node

    def _refuse(self, event: Any, what: str, hint: str) -> None:
        problem = Problem(_place(event.start_mark), "(syntax)", f"{what} is not allowed here", hint)
        self._document.problems.append(problem)


for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"[-+]?(0|[1-9][0-9]{0,17})", list("-+0123456789")),
    ("float", r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first)


_SYNTAX_HINTS = {
    "mapping values are not allowed": "Put text that holds ': ' in quotes, and check the indentation.",
    "expected <block end>": "Lines of the same section must be indented alike.",
    "found character": "Put text that begins with this character in quotes.",
    "end of stream": "A quote is not closed.",
    "<stream end>": "A bracket is not closed.",
    "single document": "Remove the lines '---' between documents.",
}


class _Reader:
    """Turns nodes into plain data and writes down where everything is."""

    def __init__(self, document: Document, refused: list[yaml.Node]) -> None:
        self._document = document
        self._refused = {id(node) for node in refused}

    def read(self, node: yaml.Node, loc: Loc) -> Any:
        self._document.values[loc] = _place(node.start_mark)
        if id(node) in self._refused:
            self._document.unusable.add(loc)
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*loc, position)) for position, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = _place(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode) or not key_node.value or id(key_node) in self._refused:
                self._problem(place, loc, "a key must be plain text")
                continue
            key = key_node.value
            inner = (*loc, key)
            if key == "<<" and key_node.style is None:
                self._problem(place, inner, "merge keys are not allowed here", "Repeat the keys instead.")
            elif key in data:
                first = self._document.keys[inner]
                self._problem(place, inner, f"is given twice; the first one is in line {first.line}", "Remove one.")
            else:
                self._document.keys[inner] = place
                data[key] = self.read(value_node, inner)
                if not isinstance(value_node, yaml.ScalarNode):
                    self._document.values[inner] = place
        return data

    def _problem(self, place: Position, loc: Loc, message: str, hint: str = "") -> None:
        self._document.problems.append(Problem(place, dotted(loc), message, hint))


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    text: str = node.value
    match node.tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text == "true"
        case "int":
            return int(text)
        case "float":
            return float(text)
    return text


def _syntax_problems(error: yaml.YAMLError, text: str) -> list[Problem]:
    """Problems after which nothing more can be read; a tab is shown in each line that has one in its indentation."""
    if isinstance(error, yaml.reader.ReaderError):
        character = text[error.position]
        message = f"the character U+{ord(character):04X} is not allowed in YAML"
        return [Problem(_place_at(text[: error.position]), "(syntax)", message)]
    if not isinstance(error, yaml.MarkedYAMLError):
        return [Problem(Position(), "(syntax)", str(error))]
    mark = error.problem_mark or error.context_mark
    place = _place(mark) if mark is not None else Position()
    message = ", ".join(part for part in (error.context, error.problem) if part)
    if "'\\t'" not in message:
        hint = next((hint for part, hint in _SYNTAX_HINTS.items() if part in message), "")
        return [Problem(place, "(syntax)", message, hint)]
    tabs = {
        Position(number, line.index("\t") + 1)
        for number, line in enumerate(text.splitlines(), 1)
        if re.match(r" *\t", line)
    }
    return [Problem(tab, "(syntax)", "a tab in the indentation", "Use spaces.") for tab in sorted(tabs | {place})]


def _place(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)


def _place_at(text_before: str) -> Position:
    lines = text_before.split("\n")
    return Position(len(lines), len(lines[-1]) + 1)
