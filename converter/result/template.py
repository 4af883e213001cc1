"""Parts of a result that are built once and then filled with new values, because building them is slow.

A part is built by a function of a kind (what stays the same) and values (what changes from report to report). `built`
calls it each time. `encoded` calls it once for each kind, with a probe in the place of every value, keeps the encoded
part and from then on replaces the probes. Both give the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from highdicom.sr import RelationshipTypeValues, TextContentItem
from pydicom import Dataset
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, VR, format_number_as_ds

from converter.result import coding

# A template for each kind of part that is in use: a model with 14 findings needs about 80 of them, of some 2 kB each.
TEMPLATES_MAX = 1024
DECIMAL_STRING_MAX = 16

# Text (printable ASCII), a number, a polygon, or parts that become the items of a sequence.
Value = Any
Values = Mapping[str, Value]
Part = Callable[[Any, Values], Dataset]

_UIDS = ("study_uid", "series_uid", "class_uid", "instance_uid", "tracking_uid", "heatmap_class_uid", "heatmap_uid")
_TEXTS = ("identifier", "text", "verdict", "place", "row_orientation", "column_orientation")
_PARTS = ("entries", "groups", "evaluations", "series", "instances", "evidence", "predecessors")

_ITEM = b"\xfe\xff\x00\xe0"
_LONG_VRS = frozenset(vr.encode() for vr in EXPLICIT_VR_LENGTH_32)

Elements = Iterable[DataElement | RawDataElement]


class Make(Protocol):
    """Makes a part from its kind and values."""

    def __call__(self, part: Part, kind: Hashable, values: Values) -> Elements: ...


def built(part: Part, kind: Hashable, values: Values) -> Dataset:
    """The part as its builder makes it."""
    return part(kind, values)


def encoded(part: Part, kind: Hashable, values: Values) -> EncodedPart:
    """The same part, encoded from its template."""
    return EncodedPart(_template(part, kind, tuple(values)).encode(values))


@dataclass(frozen=True)
class EncodedPart:
    """Elements in Explicit VR Little Endian; iterates over them, undecoded."""

    data: bytes

    def __iter__(self) -> Iterator[RawDataElement]:
        at = 0
        while at < len(self.data):
            group, number, vr, length = struct.unpack_from("<HH2sH", self.data, at)
            at += 8
            if vr in _LONG_VRS:
                (length,) = struct.unpack_from("<I", self.data, at)
                at += 4
            value = self.data[at : at + length]
            yield RawDataElement(BaseTag(group << 16 | number), vr.decode(), length, value, 0, False, True)
            at += length


def number_text(number: float) -> str:
    """As a decimal string: 16 characters at most (PS3.5 6.2); a whole number without decimals."""
    if isinstance(number, int) and abs(number) < 10 ** (DECIMAL_STRING_MAX - 1):
        return str(number)
    return format_number_as_ds(float(number))


@dataclass(frozen=True)
class _Slot:
    """A place for the value of that name. `head` is what precedes the length."""

    head: bytes
    name: str
    vr: str


@dataclass(frozen=True)
class _Nest:
    """A sequence or an item with a slot somewhere in it."""

    head: bytes
    pieces: tuple[_Piece, ...]


_Piece = bytes | _Slot | _Nest


@dataclass(frozen=True)
class Template:
    """An encoded part with slots."""

    pieces: tuple[_Piece, ...]

    @classmethod
    def of(cls, part: Dataset, probes: Values) -> Template:
        """The template of `part`, which holds each of `probes` at least once."""
        template = cls(_folded(_pieces_of(part, probes)))
        missing = set(probes) - set(_names(template.pieces))
        if missing or template.encode(probes) != _written(part):
            raise ValueError(f"the part does not show where its values belong: {', '.join(sorted(missing))}")
        return template

    def encode(self, values: Values) -> bytes:
        return _encode(self.pieces, values)


@lru_cache(TEMPLATES_MAX)
def _template(part: Part, kind: Hashable, names: tuple[str, ...]) -> Template:
    probes = {name: PROBES[name] for name in names}
    return Template.of(part(kind, probes), probes)


def _encode(pieces: Sequence[_Piece], values: Values) -> bytes:
    out: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            out.append(piece)
        elif isinstance(piece, _Slot):
            out += _with_length(piece.head, _value_bytes(piece.vr, values[piece.name]))
        else:
            out += _with_length(piece.head, _encode(piece.pieces, values))
    return b"".join(out)


def _with_length(head: bytes, data: bytes) -> tuple[bytes, bytes, bytes]:
    """An element or item: two bytes of length follow a head of tag and VR, four any other (PS3.5 7.1.2)."""
    return head, struct.pack("<H" if len(head) == 6 else "<I", len(data)), data


def _value_bytes(vr: str, value: Value) -> bytes:
    """The value field of an element (PS3.5 6.2, 7.5)."""
    if vr == VR.SQ:
        return b"".join(map(_item_bytes, value))
    if vr == VR.FL:
        return np.asarray(value, "<f4").tobytes()
    if vr == VR.FD:
        return struct.pack("<d", value)
    data = (value if isinstance(value, str) else number_text(value)).encode("ascii")
    return data if len(data) % 2 == 0 else data + (b"\0" if vr == VR.UI else b" ")


def _item_bytes(part: Dataset | EncodedPart) -> bytes:
    data = part.data if isinstance(part, EncodedPart) else _written(part)
    return b"".join(_with_length(_ITEM, data))


def _pieces_of(part: Dataset, probes: Values) -> Iterator[_Piece]:
    for element in part:
        head, data = _element_written(element)
        name = next((name for name, probe in probes.items() if _shows(element.VR, data, probe)), None)
        if name is not None:
            yield _Slot(head, name, element.VR)
        elif element.VR == VR.SQ:
            yield _Nest(head, tuple(_Nest(_ITEM, tuple(_pieces_of(item, probes))) for item in element.value))
        else:
            yield _encode((_Nest(head, (data,)),), {})


def _shows(vr: str, data: bytes, probe: Value) -> bool:
    if isinstance(probe, str):
        suits = vr not in (VR.SQ, VR.FL, VR.FD, VR.DS, VR.IS)
    elif isinstance(probe, int | float):
        suits = vr in (VR.DS, VR.FD, VR.IS)
    else:
        suits = vr == (VR.SQ if isinstance(probe, list) else VR.FL)
    return suits and _value_bytes(vr, probe) == data


def _folded(pieces: Iterable[_Piece]) -> tuple[_Piece, ...]:
    """The pieces with everything that has no slot made one run of bytes."""
    out: list[_Piece] = []
    for piece in pieces:
        if isinstance(piece, _Nest):
            inner = _folded(piece.pieces)
            piece = _Nest(piece.head, inner)
            if all(isinstance(one, bytes) for one in inner):
                piece = _encode((piece,), {})
        if isinstance(piece, bytes) and out and isinstance(out[-1], bytes):
            out[-1] += piece
        else:
            out.append(piece)
    return tuple(out)


def _names(pieces: Iterable[_Piece]) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, _Slot):
            yield piece.name
        elif isinstance(piece, _Nest):
            yield from _names(piece.pieces)


def _element_written(element: DataElement) -> tuple[bytes, bytes]:
    """What precedes the length of the encoded element, and its value."""
    file = _file()
    write_data_element(file, element)
    data = file.getvalue()
    return (data[:8], data[12:]) if data[4:6] in _LONG_VRS else (data[:6], data[8:])


def _written(part: Dataset) -> bytes:
    file = _file()
    write_dataset(file, part)
    return file.getvalue()


def _file() -> DicomBytesIO:
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = False, True
    return file


def _marker(name: str) -> list[Dataset]:
    return [TextContentItem(coding.COMMENT, f"items {name}", RelationshipTypeValues.CONTAINS)]


# What stands in for each value while a template is built, by the value's name; no part holds any of it by itself.
PROBES: dict[str, Value] = {
    **{name: f"2.25.{number}" for number, name in enumerate(_UIDS, 770001)},
    **{name: f"text {name}" for name in _TEXTS},
    **{name: _marker(name) for name in _PARTS},
    "rows": 77001,
    "columns": 77002,
    "instance_number": 77003,
    "vertical_spacing": 7.7001,
    "horizontal_spacing": 7.7002,
    "percentage": 7.7003,
    "polygon": ((7.25, 77.5), (77.5, 7.25), (7.25, 77.5)),
    "date": "17700101",
    "time": "010203.770001",
    "moment": "17700101010203.770002",
}
