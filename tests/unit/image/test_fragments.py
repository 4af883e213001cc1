"""One frame is found whatever Number of Frames, offset tables and fragments say; what is one frame is shown as one."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from converter.errors import Undecodable
from converter.image.decode import decode_frame
from converter.image.image_file import read_image
from converter.image.pixels import FIRST_FRAME, ONE_FRAME, render
from tests.support.dicom.codecs import codestream_of, encoded
from tests.support.dicom.phantoms import make_dx, write_dx

SYNTAXES = (JPEGBaseline8Bit, JPEGLSLossless, JPEG2000Lossless, RLELossless)
SIZE = 1000


def one_film(syntax: str) -> tuple[Dataset, bytes, np.ndarray]:
    bits = 8 if syntax == JPEGBaseline8Bit else 12
    pixels = (np.indices((200, 150)).sum(axis=0) * 11 % (1 << bits)).astype("u1" if bits == 8 else "u2")
    ds = encoded(pixels, syntax, bits)
    return ds, codestream_of(ds), decode_frame(ds).words


def item(data: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(data)) + data


def cut(codestream: bytes, size: int = SIZE) -> list[bytes]:
    """Fragments of an even length, the last one padded."""
    pieces = [codestream[at : at + size] for at in range(0, len(codestream), size)]
    return [piece + b"\0" * (len(piece) % 2) for piece in pieces]


def offsets(pieces: list[bytes]) -> list[int]:
    return [sum(len(piece) + 8 for piece in pieces[:number]) for number in range(len(pieces))]


TABLES: dict[str, Callable[[list[bytes]], bytes]] = {
    "no table": lambda pieces: b"",
    "right": lambda pieces: struct.pack("<I", 0),
    "of every fragment": lambda pieces: struct.pack(f"<{len(pieces)}I", *offsets(pieces)),
    "of two frames": lambda pieces: struct.pack("<2I", 0, 500),
    "beyond the end": lambda pieces: struct.pack("<I", 0x7FFFFFF0),
    "counted from the file": lambda pieces: struct.pack("<I", 1234),
    "odd": lambda pieces: b"\1\2\3",
    "zeros": lambda pieces: bytes(64),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("pieces", [1, 2, 9])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_all_fragments_of_one_frame_are_joined(syntax: str, pieces: int, table: str, tmp_path: Path) -> None:
    ds, codestream, expected = one_film(syntax)
    fragments = cut(codestream, 2 * (len(codestream) // (2 * pieces) + 1))
    ds.PixelData = item(TABLES[table](fragments)) + b"".join(item(piece) for piece in fragments)
    read = read_image(write_dx(tmp_path / "image.dcm", ds))

    assert isinstance(read, Dataset)
    assert np.array_equal(decode_frame(read).words, expected)


@pytest.mark.parametrize("lengths", [(0,), (10,), (1 << 40,)])
def test_an_extended_offset_table_that_lies_is_not_asked_for_one_frame(lengths: tuple[int, ...]) -> None:
    ds, codestream, expected = one_film(JPEGLSLossless)
    ds.PixelData = item(b"") + b"".join(item(piece) for piece in cut(codestream))
    ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = struct.pack("<Q", 77), struct.pack("<Q", *lengths)

    assert np.array_equal(decode_frame(ds).words, expected)


@pytest.mark.parametrize("syntax", SYNTAXES[:3])
@pytest.mark.parametrize("wrap", [lambda code: code, item], ids=["no item at all", "no offset table"])
def test_a_codestream_in_too_few_items_is_found(syntax: str, wrap: object) -> None:
    ds, codestream, expected = one_film(syntax)
    ds.PixelData = wrap(codestream + b"\0" * (len(codestream) % 2))  # type: ignore[operator]

    assert np.array_equal(decode_frame(ds).words, expected)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_lost_fragment_is_not_an_image(syntax: str) -> None:
    ds, codestream, _ = one_film(syntax)
    pieces = cut(codestream, 2 * (len(codestream) // 8))
    ds.PixelData = item(b"") + b"".join(item(piece) for piece in pieces[:3] + pieces[4:])

    with pytest.raises(Undecodable):
        decode_frame(ds)


NUMBERS = (b"0", b"", b"1.0", b"01", b" 1 ", b"1\0", b"-1", b"+1", b"NONE", b"1.5", b"1\\1", b"0\\0", b"1E0", b"\xff ")
WITHOUT_NOTE = (b"1.0", b"01", b" 1 ", b"1\0", b"+1", b"1E0")


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless])
@pytest.mark.parametrize("number", NUMBERS)
def test_one_frame_is_one_frame_whatever_the_header_calls_it(number: bytes, syntax: str, tmp_path: Path) -> None:
    ds = make_dx(rows=140, columns=130, transfer_syntax=syntax)
    expected = render(ds)
    ds[Tag("NumberOfFrames")] = RawDataElement(Tag("NumberOfFrames"), "IS", len(number), number, 0, False, True)

    image = render(read_image(write_dx(tmp_path / "image.dcm", ds)))  # type: ignore[arg-type]

    assert np.array_equal(image.pixels, expected.pixels)
    assert image.notes == (expected.notes if number in WITHOUT_NOTE else (ONE_FRAME, *expected.notes))


def test_several_frames_are_still_said_to_be_several() -> None:
    pixels = np.stack([np.full((140, 130), 700 * number, np.uint16) for number in (1, 2, 3)])

    assert FIRST_FRAME in render(make_dx(pixels, NumberOfFrames=3)).notes
