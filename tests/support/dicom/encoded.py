"""Writes data sets element by element, as the standard has it or otherwise, and draws them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
BIG, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
NATIVE = (IMPLICIT, EXPLICIT, BIG)
LONG = (b"OB", b"OW", b"OF", b"SQ", b"UC", b"UN", b"UR", b"UT")
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

CLASS, INSTANCE, STUDY, SERIES = "1.2.840.10008.5.1.4.1.1.1", "1.2.3.4", "1.2.5", "1.2.6"


@dataclass(frozen=True)
class Written:
    """One element: `vr` is what is written, `is_long` how; its value is bytes, or the elements of items."""

    tag: int
    vr: bytes
    value: bytes | tuple[tuple[Written, ...], ...] = b""
    is_undefined: bool = False
    is_long: bool | None = None

    def bytes_in(self, syntax: str) -> bytes:
        order, implicit = ">" if syntax == BIG else "<", syntax == IMPLICIT
        if syntax == BIG and self.vr == b"UN" and self.is_undefined:  # would be little endian inside (PS3.5 6.2.2)
            return replace(self, vr=b"SQ").bytes_in(syntax)
        value = self.value if isinstance(self.value, bytes) else self._items(syntax)
        length = UNDEFINED if self.is_undefined else len(value)
        head = struct.pack(order + "HH", self.tag >> 16, self.tag & 0xFFFF)
        if implicit:
            head += struct.pack(order + "L", length)
        elif self.vr in LONG if self.is_long is None else self.is_long:
            head += self.vr + struct.pack(order + "xxL", length)
        else:
            head += self.vr + struct.pack(order + "H", length)
        return head + value + (delimiter(SEQUENCE_END, order) if self.is_undefined else b"")

    def _items(self, syntax: str) -> bytes:
        assert not isinstance(self.value, bytes)
        order = ">" if syntax == BIG else "<"
        inside = IMPLICIT if self.vr == b"UN" else syntax
        items = [b"".join(one.bytes_in(inside) for one in item) for item in self.value]
        if self.is_undefined:
            return b"".join(delimiter(ITEM, order, UNDEFINED) + item + delimiter(ITEM_END, order) for item in items)
        return b"".join(delimiter(ITEM, order, len(item)) + item for item in items)


def delimiter(tag: int, order: str = "<", length: int = 0) -> bytes:
    return struct.pack(order + "HHL", tag >> 16, tag & 0xFFFF, length)


def uid(tag: int, value: str, vr: bytes = b"UI") -> Written:
    return Written(tag, vr, value.encode() + b"\0" * (len(value) % 2))


def identity(series: str = SERIES) -> list[Written]:
    """The four elements that tell an instance."""
    return [uid(0x00080016, CLASS), uid(0x00080018, INSTANCE), uid(0x0020000D, STUDY), uid(0x0020000E, series)]


def pixels(count: int = 64) -> Written:
    return Written(0x7FE00010, b"OW", bytes(range(1, 255)) * (count // 254) + bytes(range(1, count % 254 + 1)))


def encode(elements: Sequence[Written], syntax: str = EXPLICIT) -> bytes:
    return b"".join(element.bytes_in(syntax) for element in elements)


def in_order(elements: Sequence[Written]) -> tuple[Written, ...]:
    """Sorted by tag, each tag once."""
    return tuple(sorted({element.tag: element for element in elements}.values(), key=lambda one: one.tag))


TEXT = [(0x00080060, b"CS"), (0x00080070, b"LO"), (0x00100010, b"PN"), (0x00100020, b"LO"), (0x00180015, b"CS")]
NUMBERS = [(0x00280010, b"US"), (0x00280011, b"US"), (0x00280100, b"US"), (0x00280101, b"US")]
_values = st.binary(max_size=20).map(lambda value: value + b" " * (len(value) % 2))
_plain = st.builds(
    lambda known, value: Written(known[0], known[1], value),
    st.sampled_from(TEXT),
    st.text("ABC^ 12", max_size=9).map(lambda text: text.encode() + b" " * (len(text) % 2)),
)
_numbers = st.builds(
    lambda known, value: Written(known[0], known[1], value), st.sampled_from(NUMBERS), st.binary(min_size=2, max_size=2)
)
_private = st.builds(
    lambda group, number, vr, value: Written((9 + 2 * group) << 16 | 0x1000 + number, vr, value),
    st.integers(0, 40), st.integers(0, 0xEFF), st.sampled_from([b"OB", b"UN", b"LO", b"OW", b"SL"]), _values,
)  # fmt: skip
# Items repeat the UIDs of other images, which must not be taken for those of this one.
_nested = st.sampled_from(
    [uid(0x00081150, CLASS), uid(0x00081155, "9.9.1"), uid(0x0020000D, "9.9.2"), uid(0x0020000E, "9.9.3")]
)
_leaves = st.one_of(_nested, _private, _numbers)


def _sequences(inside: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    item = st.lists(inside, max_size=4).map(in_order)
    return st.builds(
        lambda tag, vr, items, undefined: Written(tag, vr if undefined else b"SQ", tuple(items), undefined),
        st.sampled_from([0x00081140, 0x00081115, 0x00321064, 0x00400275, 0x00091002]),
        st.sampled_from([b"SQ", b"UN"]),
        st.lists(item, max_size=3),
        st.booleans(),
    )


_anything = st.one_of(_plain, _numbers, _private, st.recursive(_leaves, _sequences, max_leaves=12))


def data_sets() -> st.SearchStrategy[list[Written]]:
    """Data sets as the standard has them: in order, with identity and pixel data."""
    return st.lists(_anything, max_size=12).map(
        lambda more: list(in_order([*(one for one in more if one.tag >> 16 != 0x0020), *identity(), pixels()]))
    )


ODD_VRS = [b"??", b"  ", b"\0\0", b"lo", b"ui", b"XX", b"Z9", b"-A", b"\xff\xfe"]


@st.composite
def damaged(draw: st.DrawFn, elements: Sequence[Written]) -> list[Written]:
    """The same elements with VRs that are none, moved, and repeated with another value behind the first."""
    written = list(elements)
    kinds = draw(st.lists(st.sampled_from(["move", "repeat", "vr"]), min_size=1, max_size=3))
    for kind in sorted(kinds):  # a repeat is not moved before what it repeats
        place = draw(st.integers(0, len(written) - 1))
        if kind == "vr":
            one = written[place]
            is_long = one.vr in LONG if one.is_long is None else one.is_long
            written[place] = replace(one, vr=draw(st.sampled_from(ODD_VRS)), is_long=is_long)
        elif kind == "move":
            written.insert(draw(st.integers(0, len(written) - 1)), written.pop(place))
        else:
            again = uid(written[place].tag, "8.8.8")
            written.insert(draw(st.integers(place + 1, len(written))), again)
    return written
