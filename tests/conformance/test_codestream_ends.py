"""Codestreams whose end is out of form show every pixel; those that end too early show none, by any decoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from converter.errors import Undecodable
from converter.image.codestream_end import NO_END_MARKER, STRAY_BYTES
from converter.image.decode import checked_codestream, decode_frame
from converter.image.decoders import decode_pixels
from converter.image.pixel_layout import read_layout
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES, Decoder, TransferSyntax
from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.codecs import codestream_of, encoded
from tests.support.dicom.phantoms import compress_with

END = b"\xff\xd9"
SYNTAXES = [syntax for syntax in TRANSFER_SYNTAXES if syntax.encapsulated]
WITH_END = [syntax for syntax in SYNTAXES if syntax.uid != RLELossless]
# What stands in the place of the end marker -> the notes of which one is given, if any is.
ENDINGS: dict[str, tuple[bytes, set[str]]] = {
    "none": (b"", {NO_END_MARKER}),
    "half": (b"\xff", {NO_END_MARKER}),
    "none, padded": (b"\0", {NO_END_MARKER}),
    "none, padded twice": (b"\0\0", {NO_END_MARKER}),
    "a zero before": (b"\0" + END, {STRAY_BYTES}),
    "64 zeros before": (bytes(64) + END, {STRAY_BYTES}),
    "twice": (END + END, set()),
    "a zero after": (END + b"\0", set()),
    "15 zeros after": (END + bytes(15), set()),
    "4096 zeros after": (END + bytes(4096), set()),
    "fill bytes after": (END + b"\xff" * 33, set()),
    "spaces after": (END + b" " * 20, set()),
    "another codestream's start after": (END + b"\xff\xd8\xff", set()),
}
LOST = (0.03, 0.5, 0.97)
PAINTERS = [(syntax, decoder) for syntax in SYNTAXES for decoder in syntax.decoders]


def film(kind: str = "noisy") -> NDArray[np.float64]:
    """0 to 1; `collimated`: black below and at the right, exactly, as shutters leave it."""
    shown = np.clip(sketch_chest(130, 117, seed=5, noise=0.05), 0, 1)
    if kind == "collimated":
        shown[90:], shown[:, 90:] = 0, 0
    return shown


def of(syntax: TransferSyntax, kind: str = "noisy") -> tuple[Dataset, bytes]:
    bits, dtype = (8, "u1") if syntax.uid == JPEGBaseline8Bit else (12, "u2")
    ds = encoded(np.rint(film(kind) * ((1 << bits) - 1)).astype(dtype), syntax.uid, bits)
    codestream = codestream_of(ds)
    return ds, codestream if syntax.uid == RLELossless else codestream[: codestream.rindex(END)]


def with_codestream(ds: Dataset, syntax: TransferSyntax, codestream: bytes) -> Dataset:
    compress_with(ds, syntax.uid, codestream)
    return ds


@pytest.mark.parametrize("kind", ["noisy", "collimated"])
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("syntax", WITH_END, ids=lambda syntax: syntax.name)
def test_an_end_out_of_form_costs_no_pixel(syntax: TransferSyntax, ending: str, kind: str) -> None:
    ds, data = of(syntax, kind)
    expected = decode_frame(with_codestream(ds, syntax, data + END)).words
    tail, notes = ENDINGS[ending]

    frame = decode_frame(with_codestream(ds, syntax, data + tail))

    assert np.array_equal(frame.words, expected)
    if NO_END_MARKER in notes:
        assert NO_END_MARKER in frame.notes
    else:
        assert {note for note in frame.notes if "decoder" not in note} <= notes


@pytest.mark.parametrize("zeros", [0, 1, 2, 3, 64])
@pytest.mark.parametrize("end", [b"", END], ids=["no end", "end"])
@pytest.mark.parametrize("seed", range(30))
def test_zeros_behind_jpeg_ls_data_cost_no_pixel_wherever_its_last_bit_lies(seed: int, end: bytes, zeros: int) -> None:
    """Whether a decoder takes a zero depends on how many bits of the last byte are used: one film proves nothing."""
    bits = (8, 10, 12, 14, 16)[seed % 5]
    shown = np.clip(sketch_chest(130 + seed, 117, seed=seed, noise=0.05 * (seed % 2)), 0, 1)
    pixels = np.rint(shown * ((1 << bits) - 1)).astype("u1" if bits == 8 else "u2")
    ds = encoded(pixels, JPEGLSLossless, bits)
    data = codestream_of(ds)
    data = data[: data.rindex(END)]
    compress_with(ds, JPEGLSLossless, data + bytes(zeros) + end)

    assert np.array_equal(decode_frame(ds).words, pixels)


@pytest.mark.parametrize("kind", ["noisy", "collimated"])
@pytest.mark.parametrize("end", [b"", END, END + b"\0"], ids=["no end", "end", "padded end"])
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize(("syntax", "decoder"), PAINTERS, ids=lambda one: one.name)
def test_no_decoder_is_believed_when_a_part_is_missing(
    syntax: TransferSyntax, decoder: Decoder, lost: float, end: bytes, kind: str
) -> None:
    ds, data = of(syntax, kind)
    expected = decode_frame(ds).words
    cut = with_codestream(ds, syntax, data[: int(len(data) * (1 - lost))] + end)

    assert _refused_or(by_one(cut, syntax, decoder), expected)


@pytest.mark.parametrize("filler", [b"\xff", b"\0"], ids=["0xFF", "zeros"])
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_what_a_broken_disk_puts_in_the_place_of_a_part_is_no_image(
    syntax: TransferSyntax, lost: float, filler: bytes
) -> None:
    ds, data = of(syntax)
    expected = decode_frame(ds).words
    kept = int(len(data) * (1 - lost))

    damaged = with_codestream(ds, syntax, data[:kept] + filler * (len(data) + 2 - kept))

    assert _refused_or(lambda: decode_frame(damaged).words, expected)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_a_part_missing_in_the_middle_is_not_an_image(syntax: TransferSyntax) -> None:
    ds, data = of(syntax)
    third = len(data) // 3
    end = b"" if syntax.uid == RLELossless else END
    with pytest.raises(Undecodable):
        decode_frame(with_codestream(ds, syntax, data[:third] + data[2 * third :] + end))


def by_one(ds: Dataset, syntax: TransferSyntax, decoder: Decoder) -> Callable[[], NDArray[Any]]:
    one = TransferSyntax(syntax.uid, syntax.name, (decoder,), syntax.lossless)
    layout = read_layout(ds)
    return lambda: decode_pixels(checked_codestream(ds, ds.PixelData, 0, layout, one), layout, one).pixels


def _refused_or(decode: Callable[[], NDArray[Any]], expected: NDArray[Any]) -> bool:
    """A collimated film may end before its codestream does: then nothing is missing, whatever was cut."""
    try:
        pixels = decode()
    except Undecodable:
        return True
    return bool(np.abs(pixels.astype(np.int64) - expected).max() <= 1)
