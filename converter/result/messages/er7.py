"""Segments as the text of HL7 v2 (ER7 encoding, HL7 v2.5.1 2.6 and 2.7): delimiters within values are escaped."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Component = str


@dataclass(frozen=True)
class Repetitions:
    """A field that is there several times, each as its components."""

    values: tuple[Sequence[Component], ...]


Field = Component | Sequence[Component] | Repetitions
ENCODING_CHARACTERS = "^~\\&"
ESCAPES = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}
_ESCAPED = str.maketrans(ESCAPES)


@dataclass(frozen=True)
class Segment:
    """Its name, and its fields by their numbers; in MSH they count as the standard does, from the separator on."""

    name: str
    fields: Mapping[int, Field]


def encoded(segments: Sequence[Segment], codec: str) -> bytes:
    return "".join(f"{_segment(one, codec)}\r" for one in segments).encode(codec)


def _segment(segment: Segment, codec: str) -> str:
    last = max(segment.fields, default=0)
    fields = [_field(segment.fields.get(number, ""), codec) for number in range(1, last + 1)]
    if segment.name == "MSH":
        fields[:2] = [ENCODING_CHARACTERS]
    return "|".join((segment.name, *fields)).rstrip("|")


def _field(field: Field, codec: str) -> str:
    if isinstance(field, str):
        return _escaped(field, codec)
    if isinstance(field, Repetitions):
        return "~".join(_components(one, codec) for one in field.values)
    return _components(field, codec)


def _components(components: Sequence[Component], codec: str) -> str:
    return "^".join(_escaped(one, codec) for one in components).rstrip("^")


def _escaped(text: str, codec: str) -> str:
    """In one line, without control characters, in letters that the character set has."""
    printable = "".join(one if one.isprintable() else " " for one in text)
    return "".join(_letter(one, codec) for one in printable).strip().translate(_ESCAPED)


def _letter(letter: str, codec: str) -> str:
    """The letter, the same without its accents, or a question mark."""
    for one in (letter, unicodedata.normalize("NFKD", letter), unicodedata.normalize("NFKD", letter)[:1]):
        try:
            one.encode(codec)
        except UnicodeEncodeError:
            continue
        return one
    return "?"
