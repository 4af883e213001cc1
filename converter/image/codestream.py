"""What a JPEG, JPEG-LS or JPEG 2000 codestream says about itself, read before a decoder allocates anything."""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG_START = b"\xff\xd8"
J2K_START = b"\xff\x4f\xff\x51"
# Start Of Frame markers: ISO 10918-1 table B.1 (C0 to CF but for DHT, JPG, DAC) and JPEG-LS (ISO 14495-1, F7).
SOF_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
SEGMENTS_MAX = 1000


@dataclass(frozen=True)
class CodestreamHeader:
    rows: int
    columns: int
    samples: int
    precision: int


def read_codestream_header(codestream: bytes) -> CodestreamHeader | None:
    """Size and precision, or None when the bytes begin like none of the codestreams."""
    try:
        if codestream.startswith(JPEG_START):
            return _read_sof(codestream)
        start = codestream.find(J2K_START, 0, 4096)  # a JP2 file wrapper may come first
        return _read_siz(codestream, start + 4) if start >= 0 else None
    except (struct.error, IndexError):
        return None


def _read_siz(codestream: bytes, at: int) -> CodestreamHeader:
    """SIZ marker segment, ISO 15444-1 A.5.1."""
    _, _, right, bottom, left, top, *_, samples, depth = struct.unpack_from(">HHIIIIIIIIHB", codestream, at)
    return CodestreamHeader(bottom - top, right - left, samples, (depth & 0x7F) + 1)


def _read_sof(codestream: bytes) -> CodestreamHeader | None:
    """The first frame header, ISO 10918-1 B.2.2."""
    at = 2
    for _ in range(SEGMENTS_MAX):
        while codestream[at] == 0xFF and codestream[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker, length = struct.unpack_from(">xBH", codestream, at)
        if marker in SOF_MARKERS:
            precision, rows, columns, samples = struct.unpack_from(">BHHB", codestream, at + 4)
            return CodestreamHeader(rows, columns, samples, precision)
        at += 2 + length
    return None


def is_complete(codestream: bytes) -> bool:
    """Whether the End Of Image (or codestream) marker is there; the standard allows one byte of padding after it."""
    return b"\xff\xd9" in codestream[-16:]
