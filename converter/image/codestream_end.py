"""How a codestream ends: whether all of it is there, and what makes a decoder accept an end that is out of form.

JPEG 2000 announces the length of its parts, so that what is missing is known before decoding. JPEG-LS decoders count
every bit and refuse what ends too early. JPEG decoders do neither: they paint gray (see filled_up.py).
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from dataclasses import dataclass
from math import ceil

from converter.image.codestream import JPEG_LS_SOF, LOSSLESS_SOF, SEGMENTS_MAX, JpegParts, j2k_start, read_jpeg

END = b"\xff\xd9"  # End Of Image, ISO 10918-1 and 14495-1; End Of Codestream, ISO 15444-1
START_OF_TILE_PART = b"\xff\x90"
START_OF_DATA = b"\xff\x93"
ZEROS = bytes(64)
PADDING_MAX = 16
# What cannot follow 0xFF behind Start Of Data; what can: start and end of packets, tile-parts and their data, the end.
_NO_DATA = re.compile(b"\xff[\x94-\xd8\xda-\xff]")
TILE_PARTS_MAX = 65_535
ZEROS_MAX = 2
TILE_PART_HEADER_BYTES = 12

NO_END_MARKER = "the codestream has no end marker: everything before it is there and was decoded"
STRAY_BYTES = "the codestream has bytes before its end marker that are no image data: they were left out"


@dataclass(frozen=True)
class CodestreamEnding:
    """A form of the codestream that a decoder may be given.

    proven: whether the codestream's own lengths say that nothing is missing. notes: what was mended.
    """

    codestream: bytes
    proven: bool = False
    notes: tuple[str, ...] = ()


def endings(codestream: bytes) -> tuple[CodestreamEnding, ...]:
    """The forms to try one after the other; none where bytes of the image are certainly missing."""
    try:
        parts = read_jpeg(codestream)
        if parts is None:
            return _of_jpeg_2000(codestream)
        return _of_jpeg_ls(codestream, parts) if parts.sof == JPEG_LS_SOF else _of_jpeg(codestream, parts)
    except (struct.error, IndexError, ZeroDivisionError):
        return ()


def _of_jpeg(codestream: bytes, parts: JpegParts) -> tuple[CodestreamEnding, ...]:
    if parts.scan is None:
        return ()
    end = codestream.find(END, parts.scan)
    if not _has_every_restart(codestream[parts.scan : end if end >= 0 else None], parts):
        return ()
    if end >= 0:  # whatever comes behind it
        return (CodestreamEnding(codestream),)
    data = codestream.rstrip(b"\xff")
    if data.endswith(ZEROS[:PADDING_MAX]):  # a decoder would make pixels of them
        return ()
    return (CodestreamEnding(data + END, notes=(NO_END_MARKER,)),)


def _has_every_restart(scan: bytes, parts: JpegParts) -> bool:
    """Restart markers count the parts of a gray scan (ISO 10918-1 B.2.4.4): none may be missing."""
    if not parts.restart_interval or parts.header.samples != 1:
        return True
    side = 1 if parts.sof == LOSSLESS_SOF else 8
    units = ceil(parts.header.rows / side) * ceil(parts.header.columns / side)
    return len(re.findall(b"\xff[\xd0-\xd7]", scan)) == ceil(units / parts.restart_interval) - 1


def _of_jpeg_ls(codestream: bytes, parts: JpegParts) -> tuple[CodestreamEnding, ...]:
    """Zeros behind the image data come from writers that pad before they add the end marker. Up to two may belong to
    the data, and a decoder refuses one too many as it refuses one too few: every number of them is tried."""
    if parts.scan is None:
        return ()
    end = codestream.find(END, parts.scan)
    data = codestream[:end] if end >= 0 else codestream.rstrip(b"\xff")
    thinned = data.rstrip(b"\0")
    zeros = min(len(data) - len(thinned), ZEROS_MAX)
    forms = [thinned + bytes(number) + END for number in range(zeros + 1)]
    if end >= 0:
        return (CodestreamEnding(codestream), *(CodestreamEnding(form, notes=(STRAY_BYTES,)) for form in forms))
    forms += [data + END, thinned.rstrip(b"\xff") + END]  # the latter: half an end marker, then padding
    return tuple(CodestreamEnding(form, notes=(NO_END_MARKER,)) for form in dict.fromkeys(forms))


def _of_jpeg_2000(codestream: bytes) -> tuple[CodestreamEnding, ...]:
    start = j2k_start(codestream)
    end, proven = _end_of_tile_parts(codestream, start)
    if end > len(codestream):
        return ()
    if codestream.startswith(END, end):
        return (CodestreamEnding(codestream, proven),)
    if _is_filler(codestream[start:end]):
        return ()
    note = STRAY_BYTES if codestream.find(END, end) >= 0 else NO_END_MARKER
    return (CodestreamEnding(codestream[start:end] + END, proven, (note,)),)


def _is_filler(tile_parts: bytes) -> bool:
    """Whether something else stands where a file that was cut had its image data. Coded data never have a byte of 0x90
    or more behind 0xFF (ISO 15444-1 B.10.1, C.2.5), but for two markers, and no such run of zeros."""
    return ZEROS in tile_parts or _NO_DATA.search(tile_parts, tile_parts.find(START_OF_DATA)) is not None


def _end_of_tile_parts(codestream: bytes, start: int) -> tuple[int, bool]:
    """Where the last tile-part ends by the lengths that they announce (ISO 15444-1 A.4.2), and whether that is proof;
    beyond the end of the codestream where tiles or tile-parts are missing. The last may announce no length."""
    beyond = len(codestream) + 1
    at = _end_of_main_header(codestream, start)
    seen: Counter[int] = Counter()
    announced: dict[int, int] = {}
    for _ in range(TILE_PARTS_MAX):
        tile, length, _, parts = struct.unpack_from(">4xHIBB", codestream, at)
        seen[tile] += 1
        announced[tile] = max(parts, announced.get(tile, 0))
        if length == 0:
            end = codestream.rfind(END, at)
            return (end if end >= 0 else len(codestream)), False
        at += max(length, TILE_PART_HEADER_BYTES)
        if not codestream.startswith(START_OF_TILE_PART, at):
            break
    missing = any(count < announced[tile] for tile, count in seen.items())
    return (beyond if missing or len(seen) < _tiles(codestream, start) else at), True


def _end_of_main_header(codestream: bytes, start: int) -> int:
    at = start + 2
    for _ in range(SEGMENTS_MAX):
        if codestream.startswith(START_OF_TILE_PART, at):
            return at
        (length,) = struct.unpack_from(">2xH", codestream, at)
        at += 2 + length
    raise IndexError(f"more than {SEGMENTS_MAX} marker segments")


def _tiles(codestream: bytes, start: int) -> int:
    """How many tiles the image has: SIZ marker segment, ISO 15444-1 A.5.1 and B.3."""
    right, bottom, _, _, width, height, left, top = (
        int(one) for one in struct.unpack_from(">8I", codestream, start + 8)
    )
    return ceil((right - left) / width) * ceil((bottom - top) / height)
