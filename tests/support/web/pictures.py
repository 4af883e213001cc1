"""Files that people upload: a drawn chest in each format, and what hostile people send."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.phantoms import make_dx


def drawn_chest(seed: int = 1, rows: int = 512, columns: int = 420) -> Image.Image:
    return Image.fromarray(np.rint(255 * sketch_chest(rows, columns, seed)).astype(np.uint8))


def encoded(kind: str, seed: int = 1) -> bytes:
    """A chest as PNG, JPEG or DICOM."""
    if kind == "DICOM":
        return dicom(seed=seed, PatientAge="003Y")
    buffer = io.BytesIO()
    drawn_chest(seed).save(buffer, kind)
    return buffer.getvalue()


def dicom(**attributes: object) -> bytes:
    """`make_dx` as the bytes of a file."""
    buffer = io.BytesIO()
    make_dx(**attributes).save_as(buffer, enforce_file_format=True)  # type: ignore[arg-type]
    return buffer.getvalue()


def hostile_files() -> dict[str, bytes]:
    """By what is wrong with each. All end in a coded refusal."""
    png, jpeg, film = encoded("PNG"), encoded("JPEG"), encoded("DICOM")
    return {
        "empty": b"",
        "text": b"not a picture\n" * 100,
        "html": b"<!doctype html><script>alert(1)</script>",
        "zip bomb": b"PK\x03\x04" + zlib.compress(bytes(10_000_000)),
        "PNG cut off": png[: len(png) // 2],
        "PNG of a thousand million pixels": _png_head(40_000, 40_000),
        "PNG of no pixels": _png_head(0, 0),
        "JPEG cut off": jpeg[:200],
        "JPEG of one marker": b"\xff\xd8\xff\xe0",
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "DICOM cut off in its pixels": film[: len(film) // 2],
        "DICOM cut off in its header": film[:400],
        "DICOM without pixels": dicom(PixelData=None),
        "DICOM of many frames": dicom(NumberOfFrames="2000000000"),
        "DICOM of a lateral view": dicom(ViewPosition="LL", PatientAge="003Y"),
        "deflated bomb": _deflated_bomb(),
        "preamble alone": bytes(128) + b"DICM",
    }


def _png_head(columns: int, rows: int) -> bytes:
    """A PNG whose head announces so many pixels, and holds few."""
    head = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(bytes(1000)))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _deflated_bomb() -> bytes:
    """A deflated data set (PS3.5 A.5) that inflates to a gigabyte of one value."""
    meta = b"\x02\x00\x10\x00UI\x16\x001.2.840.10008.1.2.1.99"
    length = b"\x02\x00\x00\x00UL\x04\x00" + struct.pack("<I", len(meta))
    deflating = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    begin = deflating.compress(b"\x10\x00\x10\x00UN\x00\x00" + struct.pack("<I", 1 << 30))
    body = begin + b"".join(deflating.compress(bytes(1 << 20)) for _ in range(256)) + deflating.flush()
    return bytes(128) + b"DICM" + length + meta + body
