"""What a JPEG, JPEG-LS or JPEG 2000 codestream says about itself, read before a decoder allocates anything."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

JPEG_START = b"\xff\xd8"
J2K_START = b"\xff\x4f\xff\x51"
JP2_START = b"\0\0\0\x0cjP  \r\n\x87\n"
JP2_HEADER_BYTES_MAX = 4096
# Start Of Frame markers: ISO 10918-1 table B.1 (C0 to CF but for DHT, JPG, DAC) and JPEG-LS (ISO 14495-1, F7).
SOF_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
JPEG_LS_SOF, LOSSLESS_SOF, START_OF_SCAN, RESTART_INTERVAL = 0xF7, 0xC3, 0xDA, 0xDD
SEGMENTS_MAX = 1000


@dataclass(frozen=True)
class CodestreamHeader:
    rows: int
    columns: int
    samples: int
    precision: int


@dataclass(frozen=True)
class JpegParts:
    """`sof`: marker of the frame header. `scan`: where the first Start Of Scan segment begins, or None.
    `restart_interval`: MCUs between restart markers, 0 for none."""

    header: CodestreamHeader
    sof: int
    scan: int | None
    restart_interval: int


def starts_like_one(data: bytes) -> bool:
    """Whether the bytes begin as a JPEG, JPEG-LS or JPEG 2000 codestream or JP2 file does."""
    return data.startswith((JPEG_START + b"\xff", J2K_START, JP2_START))


def read_codestream_header(codestream: bytes) -> CodestreamHeader | None:
    """Size and precision, or None when the bytes begin like none of the codestreams."""
    parts = read_jpeg(codestream)
    if parts is not None:
        return parts.header
    start = j2k_start(codestream)
    try:
        return _read_siz(codestream, start + 4) if start >= 0 else None
    except struct.error:
        return None


def j2k_start(codestream: bytes) -> int:
    """Where the JPEG 2000 codestream begins, -1 for nowhere: a JP2 file wrapper may come first."""
    return codestream.find(J2K_START, 0, JP2_HEADER_BYTES_MAX)


def read_jpeg(codestream: bytes) -> JpegParts | None:
    """The segments up to the first scan, or None when no frame header is found among them."""
    header, sof, scan, interval = None, 0, None, 0
    if not codestream.startswith(JPEG_START):
        return None
    try:
        for marker, at in _segments(codestream):
            if marker in SOF_MARKERS and header is None:
                precision, rows, columns, samples = struct.unpack_from(">BHHB", codestream, at + 4)
                header, sof = CodestreamHeader(rows, columns, samples, precision), marker
            elif marker == RESTART_INTERVAL:
                (interval,) = struct.unpack_from(">H", codestream, at + 4)
            elif marker == START_OF_SCAN:
                scan = at
                break
    except (struct.error, IndexError):
        pass  # it ends within a segment
    return JpegParts(header, sof, scan, interval) if header else None


def _read_siz(codestream: bytes, at: int) -> CodestreamHeader:
    """SIZ marker segment, ISO 15444-1 A.5.1."""
    _, _, right, bottom, left, top, *_, samples, depth = struct.unpack_from(">HHIIIIIIIIHB", codestream, at)
    return CodestreamHeader(bottom - top, right - left, samples, (depth & 0x7F) + 1)


def _segments(codestream: bytes) -> Iterator[tuple[int, int]]:
    """Marker and place of the marker segments of a JPEG, ISO 10918-1 B.1.1.4. Raises where it ends within one."""
    at = 2
    for _ in range(SEGMENTS_MAX):
        while codestream[at] == 0xFF and codestream[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker, length = struct.unpack_from(">xBH", codestream, at)
        yield marker, at
        at += 2 + length
