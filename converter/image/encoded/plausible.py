"""Which reading of odd bytes is plausible: the one after which a data set goes on."""

from __future__ import annotations

import re

from converter.image.encoded.byte_source import ByteSource
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
    is_known,
    is_public,
    way_of,
)

LOOK_AHEAD_ELEMENTS = 2
RESYNC_BYTES = 2**20
# So many elements in a row, in order and all of them known, are no accident.
CHAIN_ELEMENTS = 3

NOWHERE, DOUBTFUL, LIKELY, SURE = range(4)

_VR_ANYWHERE = re.compile(b"(?=" + b"|".join(sorted(VRS)) + b")")
# Where a data set without VRs is looked for: elements that most images have.
_LANDMARKS = (
    0x00080016,
    0x00080018,
    0x00080060,
    0x00100010,
    0x00100020,
    0x0020000D,
    0x0020000E,
    0x00280002,
    0x00280010,
    PIXEL_DATA,
)


class EndsEarly(Exception):
    """Bytes are missing at the end of the data set."""


class Derailed(Exception):
    """The bytes from `position` on cannot be understood; what comes after them has a tag above `previous`."""

    def __init__(self, reason: str, position: int, previous: int) -> None:
        super().__init__(reason)
        self.position, self.previous = position, previous


class TooManyElements(Exception):
    """More elements than are looked at."""


class Outlook:
    """Looks ahead in `source`, at `elements_max` headers in all. Raises TooManyElements beyond."""

    def __init__(self, source: ByteSource, order: ByteOrder, elements_max: int) -> None:
        self._source, self._order = source, order
        self._left = self._elements_max = elements_max

    def head(self, position: int) -> bytes:
        """The bytes of the longest header at `position`, fewer at the end."""
        if self._left == 0:
            raise TooManyElements(f"more than {self._elements_max} elements")
        self._left -= 1
        return self._source.read(position, HEADER_BYTES)

    def may_look(self) -> bool:
        """Whether one more header may be looked at, which then counts."""
        self._left -= self._left > 0
        return self._left > 0

    def fits(self, header: ElementHeader) -> bool:
        return header.length == UNDEFINED or header.start + header.length <= self._source.size

    def best(self, head: bytes, position: int, implicit: bool, is_nested: bool) -> tuple[ElementHeader | None, bool]:
        """The reading that leads furthest, or None; and whether one that would do wants more bytes than there are."""
        best, found, is_cut = NOWHERE, None, False
        for way in _ways(head, implicit):
            header = self._order.header(head, position, way)
            if header is None:
                is_cut = is_cut or head[6:8] == b"\0\0"
                continue
            if header.length == 0 and header.start == self._source.size:
                continue  # the data may as well end within this header
            if not self.fits(header):
                is_cut = is_cut or self._would_do(head, header, way, implicit)
                continue
            score = self._after(header, is_nested, LOOK_AHEAD_ELEMENTS)
            if score > best:
                best, found = score, header
        return found, is_cut

    def resync(self, position: int, previous: int) -> int | None:
        """The first place behind `position` from which elements in order follow that come after `previous`."""
        window = self._source.read(position + 1, RESYNC_BYTES)
        for match in _VR_ANYWHERE.finditer(window):
            start = match.start() - 4
            if start >= 0 and self._is_chain(position + 1 + start, previous, implicit=False):
                return position + 1 + start
        landmarks = b"|".join(re.escape(self._order.packed(tag)) for tag in _LANDMARKS)
        for match in re.finditer(b"(?=" + landmarks + b")", window, re.DOTALL):
            if self._is_chain(position + 1 + match.start(), previous, implicit=True):
                return position + 1 + match.start()
        return None

    def _is_chain(self, position: int, previous: int, implicit: bool) -> bool:
        for _ in range(CHAIN_ELEMENTS):
            head = self.head(position)
            way = Way.IMPLICIT if implicit and head[4:6] not in VRS else None if implicit else way_of(head)
            header = self._order.header(head, position, way) if way is not None and len(head) >= 8 else None
            if header is None or header.tag <= previous or not is_known(header.tag) or not self.fits(header):
                return False
            position, previous = header.start + header.length, header.tag
            if header.length == UNDEFINED or position == self._source.size:
                return True
        return True

    def _would_do(self, head: bytes, header: ElementHeader, way: Way, implicit: bool) -> bool:
        """Whether a reading that does not fit is the one that its encoding asks for."""
        if way is Way.IMPLICIT:
            return implicit and head[4:6] not in VRS and is_known(header.tag)
        if not is_public(header.tag):
            return False
        if head[4:6] in VRS:
            return way is way_of(head)
        return not implicit and (way is Way.SHORT or head[6:8] == b"\0\0")

    def _after(self, header: ElementHeader, is_nested: bool, depth: int) -> int:
        """How plausible it is that a value ends, or a sequence begins, where `header` says."""
        if header.length != UNDEFINED:
            return self._score(header.start + header.length, header.tag, is_nested, depth)
        first = self.head(header.start)
        return SURE if len(first) >= 8 and self._order.tag(first) in (ITEM, SEQUENCE_END) else NOWHERE

    def _score(self, position: int, previous: int, is_nested: bool, depth: int) -> int:
        """How plausible it is that an element begins at `position`."""
        if position == self._source.size:
            return SURE
        head = self.head(position)
        if len(head) < 8:
            return NOWHERE
        tag, way = self._order.tag(head), way_of(head)
        if tag >> 16 == DELIMITERS:
            return SURE if is_nested and tag in (ITEM, ITEM_END, SEQUENCE_END) else NOWHERE
        if way is not None:
            header = self._order.header(head, position, way)
            if header is None or not is_known(tag):
                return NOWHERE
            return DOUBTFUL if not self.fits(header) else SURE if tag > previous else LIKELY
        if not is_public(tag) and tag >> 16 != previous >> 16:
            # any bytes might be a private element without VR, unless one follows that is no accident
            return DOUBTFUL if depth and self._further(head, position, is_nested, depth) == SURE else NOWHERE
        return min(LIKELY if tag > previous else DOUBTFUL, self._further(head, position, is_nested, depth))

    def _further(self, head: bytes, position: int, is_nested: bool, depth: int) -> int:
        if depth == 0:
            return LIKELY
        headers = [self._order.header(head, position, way) for way in Way]
        return max(
            (self._after(one, is_nested, depth - 1) for one in headers if one is not None and self.fits(one)),
            default=NOWHERE,
        )


def _ways(head: bytes, implicit: bool) -> tuple[Way, ...]:
    """The ways to try, the likeliest first; of equals the first is taken."""
    vr = head[4:6]
    if vr in SHORT_VRS:
        return (Way.IMPLICIT, Way.SHORT) if implicit else (Way.SHORT, Way.IMPLICIT)
    if vr in LONG_VRS and head[6:8] == b"\0\0":
        return (Way.IMPLICIT, Way.LONG) if implicit else (Way.LONG, Way.IMPLICIT)
    return (Way.IMPLICIT, Way.SHORT, Way.LONG) if implicit else (Way.SHORT, Way.LONG, Way.IMPLICIT)
