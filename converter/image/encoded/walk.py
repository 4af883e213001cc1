"""Steps over the elements of an encoded data set to its end, as damaged as it may be, and looks at no value.

What the standard says is followed first (PS3.5 7.1, 7.5). Where that leads nowhere, the way is taken that leads to a
plausible next element; where none does, the next place that reads like a data set is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from converter.image.encoded.byte_source import AHEAD_BYTES, ByteSource
from converter.image.encoded.headers import (
    DELIMITERS,
    HEADER_BYTES,
    ITEM,
    ITEM_END,
    LONG_VRS,
    PIXEL_DATA,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    VRS,
    ByteOrder,
    ElementHeader,
    Way,
    way_of,
)
from converter.image.encoded.plausible import Derailed, EndsEarly, Outlook
from converter.image.encoded.start import Encoding

ELEMENTS_MAX = 500_000
DEPTH_MAX = 32
NOTES_MAX = 8
RESYNCS_MAX = 16
_ZEROS = bytes(2**16)


class EncodedElement(NamedTuple):
    """One element of the top level; start and end of its value, the delimiters of an undefined length included."""

    tag: int
    vr: bytes
    start: int
    end: int
    is_implicit: bool
    is_undefined: bool


class ElementWalk:
    """Iterate once over the elements of `source`, which are written as `encoding` says.

    Raises EndsEarly where bytes are missing, Derailed where nothing can be understood any further, TooManyElements
    after `elements_max` headers of any level. `notes` says what was not as the standard has it; values are not in it.
    """

    def __init__(self, source: ByteSource, encoding: Encoding, elements_max: int = ELEMENTS_MAX) -> None:
        self._source, self._start = source, encoding.start
        self._order = ByteOrder(encoding.is_big_endian)
        self._is_implicit = encoding.is_implicit
        self._outlook = Outlook(source, self._order, elements_max)
        self._resyncs = 0
        self.notes: list[str] = list(encoding.notes)

    def __iter__(self) -> Iterator[EncodedElement]:
        position, previous = self._start, -1
        while position < self._source.size and not self._is_padding(position):
            before = position
            for element in self._regular(position):
                if element.tag <= previous:
                    self._note("elements are repeated or not in order")
                position, previous = element.end, element.tag
                yield element
            if position != before:
                continue
            try:
                found, position = self._next(position, previous)
            except Derailed as error:
                position = self._resync(error)
                continue
            if found is not None:
                if found.tag <= previous:
                    self._note("elements are repeated or not in order")
                previous = found.tag
                yield found

    def _regular(self, position: int) -> Iterator[EncodedElement]:
        """The elements from `position` on that are close together and need no thought: this is what costs time."""
        if self._is_implicit:
            return
        source, order = self._source, self._order
        window, size = source.read(position, AHEAD_BYTES), source.size
        offset = 0
        while offset + HEADER_BYTES <= len(window) and self._outlook.may_look():
            group, number, vr, length = order.explicit.unpack_from(window, offset)
            start = position + offset + 8
            if vr in LONG_VRS and length == 0:
                start, length = start + 4, order.long(window, offset + 8)
            elif vr not in SHORT_VRS:
                return
            end = start + length
            if end > size or group == DELIMITERS:
                return
            yield EncodedElement(group << 16 | number, vr, start, end, False, False)
            offset = end - position

    def _next(self, position: int, previous: int) -> tuple[EncodedElement | None, int]:
        """The element at `position`, None where a delimiter has strayed, and where the next one begins."""
        header = self._header(position, self._is_implicit, previous)
        if header.tag >> 16 == DELIMITERS:
            self._note("delimiters outside of a sequence")
            return None, self._after_stray(header)
        self._is_implicit = header.is_implicit
        end = self._end(header)
        is_undefined = header.length == UNDEFINED
        return EncodedElement(header.tag, header.vr, header.start, end, header.is_implicit, is_undefined), end

    def _header(self, position: int, implicit: bool, previous: int, is_nested: bool = False) -> ElementHeader:
        head = self._outlook.head(position)
        if len(head) < 8:
            if not is_nested and len(head) > 1 and self._order.short(head, 0) < max(previous >> 16, 8):
                raise Derailed("a few bytes after the last element", position, previous)
            raise EndsEarly("an element without length")
        if self._order.tag(head) >> 16 == DELIMITERS:
            return ElementHeader(self._order.tag(head), b"", position + 8, self._order.long(head, 4), implicit)
        if implicit:
            header = self._order.header(head, position, Way.IMPLICIT)
            if header is not None and head[4:6] not in VRS and self._outlook.fits(header):
                return header
        else:
            way = way_of(head)
            if way is not None:
                header = self._order.header(head, position, way)
                if header is None:
                    raise EndsEarly("an element without length")
                return header
        return self._odd(head, position, implicit, previous, is_nested)

    def _odd(self, head: bytes, position: int, implicit: bool, previous: int, is_nested: bool) -> ElementHeader:
        """The way to read a header that leads furthest, when its VR does not say it."""
        found, is_cut = self._outlook.best(head, position, implicit, is_nested)
        name = _name(self._order.tag(head))
        if found is None and is_cut and self._resync_at(position, previous) is None:
            raise EndsEarly(f"{name} has more bytes than are left")
        if found is None:
            raise Derailed(f"no element at {name}", position, previous)
        natural = Way.IMPLICIT if implicit else way_of(head)
        if natural is None or found.is_implicit != implicit:
            self._note("elements are written in another way than their VR or the transfer syntax says")
        return found

    def _end(self, header: ElementHeader) -> int:
        """Where the value of `header` ends."""
        if header.length == UNDEFINED:
            if header.tag == PIXEL_DATA or header.vr not in (b"SQ", b"UN", b""):
                return self._after_fragments(header.start)
            return self._after_sequence(header)
        end = header.start + header.length
        if end > self._source.size:
            raise EndsEarly(
                f"{_name(header.tag)} has {header.length} bytes, {self._source.size - header.start} are left"
            )
        return end

    def _after_stray(self, header: ElementHeader) -> int:
        if header.tag != ITEM or header.length == UNDEFINED:
            return header.start
        return self._end(header)

    def _after_fragments(self, position: int) -> int:
        """Position after encapsulated pixel data (PS3.5 A.4); its delimiter may be missing at the end of the data."""
        items = 0
        while position < self._source.size and not self._is_padding(position):
            items += 1
            head = self._outlook.head(position)
            if len(head) < 8:
                raise EndsEarly("a fragment without length")
            tag, length = self._order.tag(head), self._order.long(head, 4)
            if tag == SEQUENCE_END:
                return position + 8
            if head[:1] == b"\0" and self._order.tag(head, 1) in (ITEM, SEQUENCE_END):
                self._note("a byte of padding between fragments")
                position += 1
                continue
            if tag != ITEM or length == UNDEFINED:
                raise Derailed("pixel data holds something other than fragments", position, PIXEL_DATA)
            position += 8 + length
            if position > self._source.size:
                raise EndsEarly("the last fragment is incomplete")
        if items < 2:  # the offset table and a fragment
            raise EndsEarly("pixel data without fragments")
        self._note("pixel data without end")
        return position

    def _after_sequence(self, sequence: ElementHeader) -> int:
        """Position after a sequence of undefined length; items of a UN are implicit (PS3.5 6.2.2)."""
        position = sequence.start
        # From the outside to the inside: is it an item, and are its elements implicit?
        levels = [(False, sequence.is_implicit or sequence.vr == b"UN")]
        while levels:
            is_item, implicit = levels[-1]
            header = self._header(position, implicit, sequence.tag, is_nested=True)
            if header.tag == SEQUENCE_END:
                if is_item:
                    self._note("an item without end")
                del levels[-2 if is_item else -1 :]
            elif header.tag == ITEM_END:
                levels.pop() if is_item else self._note("the end of an item without its beginning")
            elif header.tag == ITEM:
                if is_item:
                    self._note("an item without end")
                    levels.pop()
                if header.length == UNDEFINED:
                    levels.append((True, implicit))
                else:
                    position = self._end(header)
                    continue
            elif not is_item:
                self._note("a sequence holds something other than items")
                levels.pop()
                continue
            elif header.length != UNDEFINED or header.vr not in (b"SQ", b"UN", b"") or header.tag == PIXEL_DATA:
                position = self._end(header)
                continue
            else:
                levels.append((False, header.is_implicit or header.vr == b"UN"))
                if len(levels) > 2 * DEPTH_MAX:
                    self._note(f"sequences nested deeper than {DEPTH_MAX}")
            position = header.start
        return position

    def _is_padding(self, position: int) -> bool:
        """Whether only zeros are left. A single one may be the beginning of a tag, unless it makes the length even."""
        source = self._source
        if source.read(position, 8).strip(b"\0"):
            return False
        left = source.size - position
        if left == 1 and source.size % 2:
            return False
        while position < source.size:
            piece = source.read(position, len(_ZEROS))
            if piece != _ZEROS[: len(piece)] or not piece:
                return False
            position += len(piece)
        self._note("zeros after the last element")
        return True

    def _resync(self, error: Derailed) -> int:
        found = self._resync_at(error.position, error.previous)
        if found is None:
            raise error
        self._note(f"{error}, left out")
        return found

    def _resync_at(self, position: int, previous: int) -> int | None:
        """The next place after `position` that reads like a data set and goes on from `previous`."""
        if self._resyncs == RESYNCS_MAX:
            return None
        self._resyncs += 1
        return self._outlook.resync(position, previous)

    def _note(self, note: str) -> None:
        if note not in self.notes and len(self.notes) < NOTES_MAX:
            self.notes.append(note)


def _name(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
