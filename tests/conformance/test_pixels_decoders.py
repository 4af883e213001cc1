"""Every transfer syntax of the table decodes; each of its decoders, and decoders beside it, give the same bits."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    RLELossless,
)

from converter.errors import Undecodable
from converter.image import decoders
from converter.image.decode import checked_codestream, decode_frame
from converter.image.decoders import OTHER_DECODER, decode_pixels, is_installed
from converter.image.image_file import read_image
from converter.image.pixel_layout import read_layout
from converter.image.transfer_syntaxes import JPEG, TRANSFER_SYNTAXES, Decoder, TransferSyntax
from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.codecs import HTJ2K, OTHER_DECODERS, by_dcmdjpeg, encoded
from tests.support.dicom.codestreams import CODESTREAMS, small_image
from tests.support.dicom.phantoms import compress_with, make_dx, write_dx
from tests.support.dicom.reference import stored_values

ENCAPSULATED = [syntax for syntax in TRANSFER_SYNTAXES if syntax.encapsulated]
LARGEST_ERROR: dict[str, int] = {
    JPEGLSNearLossless: 2,
    JPEG2000: 8,
    JPEGBaseline8Bit: 12,
    JPEGExtended12Bit: 24,
    HTJ2K: 8,
}
# Where the standard leaves the arithmetic open (ISO 15444-1, irreversible), two decoders may round differently.
LARGEST_DIFFERENCE: dict[str, int] = {JPEG2000: 1, HTJ2K: 1}
SHAPES = ((64, 80), (67, 51), (33, 129))
DEPTHS: dict[str, tuple[str, int]] = {
    "8 bits": ("u1", 8),
    "10 bits": ("u2", 10),
    "12 bits": ("u2", 12),
    "15 bits": ("u2", 15),
    "16 bits": ("u2", 16),
    "12 bits signed": ("i2", 12),
    "16 bits signed": ("i2", 16),
}
ONLY_DEPTHS: dict[str, set[str]] = {JPEGBaseline8Bit: {"8 bits"}, JPEGExtended12Bit: {"10 bits", "12 bits"}}
UNSIGNED_ONLY = {JPEGLSNearLossless, JPEG2000, HTJ2K}  # a loss may carry a value over the ends
HIP_LOSSLESS = ("RG2_J2KR.dcm", "RG2_JLSL.dcm", "RG2_JPLL.dcm", "RG2_RLE.dcm")
# name -> (decoder of the second opinion, largest difference between two decoders of the same lossy codestream)
HIP = {
    "RG2_J2KR.dcm": ("gdcm", 0),
    "RG2_JLSL.dcm": ("gdcm", 0),
    "RG2_JPLL.dcm": ("gdcm", 0),
    "RG2_RLE.dcm": ("pydicom", 0),
    "RG2_JLSN.dcm": ("gdcm", 0),
    "RG2_J2KI.dcm": ("gdcm", 1),
}


def depths(syntax: TransferSyntax) -> list[str]:
    allowed = ONLY_DEPTHS.get(syntax.uid, set(DEPTHS))
    return [name for name in DEPTHS if name in allowed and not (syntax.uid in UNSIGNED_ONLY and "signed" in name)]


CASES = [
    pytest.param(syntax, depth, shape, id=f"{syntax.name}, {depth}, {shape[0]} x {shape[1]}")
    for syntax in ENCAPSULATED
    for depth in depths(syntax)
    for shape in SHAPES
]


@pytest.mark.parametrize(("syntax", "depth", "shape"), CASES)
def test_every_decoder_of_a_syntax_gives_the_same_bits(
    syntax: TransferSyntax, depth: str, shape: tuple[int, int], tmp_path: Path
) -> None:
    dtype, bits = DEPTHS[depth]
    pixels = chest_values(shape, dtype, bits)
    ds = _written(encoded(pixels, syntax.uid, bits), tmp_path)
    used = (1 << bits) - 1

    def stored(opinion: NDArray[Any]) -> NDArray[np.int64]:
        return opinion.astype(np.int64) & used if syntax.lossless else np.minimum(opinion.astype(np.int64), used)

    others = {name: stored(other(ds)) for name, other in OTHER_DECODERS[syntax.uid].items()}
    own = {decoder.name: stored(by_one_decoder(ds, syntax, decoder)) for decoder in syntax.decoders}

    assert len(own) >= 2
    decoded = stored(decode_frame(ds).words)
    for name, opinion in (own | others).items():
        assert np.abs(opinion - decoded).max() <= LARGEST_DIFFERENCE.get(syntax.uid, 0), name
    error = np.abs(decoded - (pixels.astype(np.int64) & used)).max()
    assert error == 0 if syntax.lossless else error <= LARGEST_ERROR[syntax.uid] * max(1, 1 << bits >> 12)


@pytest.mark.parametrize("syntax", [s for s in ENCAPSULATED if s.lossless], ids=lambda syntax: syntax.name)
def test_a_gray_film_stored_in_three_equal_samples_decodes_exactly(syntax: TransferSyntax, tmp_path: Path) -> None:
    if syntax.uid not in RGB_ENCODED:
        pytest.skip("no encoder at hand writes RGB in this syntax")
    gray = chest_values((67, 51), "u1", 8)
    pixels = np.stack([gray, gray[::-1], gray[:, ::-1]], axis=-1)
    ds = _written(encoded(pixels, syntax.uid, 8, photometric="RGB"), tmp_path)

    frame = decode_frame(ds)

    assert np.array_equal(frame.words, pixels)
    assert frame.photometric == "RGB"


RGB_ENCODED = {"1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"}


@pytest.mark.parametrize("syntax", TRANSFER_SYNTAXES, ids=lambda syntax: syntax.name)
def test_codestreams_of_other_encoders_decode_exactly_or_within_their_loss(
    syntax: TransferSyntax, tmp_path: Path
) -> None:
    pixels = small_image()
    if syntax.uid in CODESTREAMS:
        ds = make_dx(pixels)
        compress_with(ds, syntax.uid, CODESTREAMS[syntax.uid])
    elif syntax.uid == JPEGBaseline8Bit:
        pixels = (pixels >> 4).astype(np.uint8)
        ds = encoded(pixels, syntax.uid, 8)
    else:
        ds = encoded(pixels, syntax.uid, 12) if syntax.encapsulated else make_dx(pixels, transfer_syntax=syntax.uid)

    frame = decode_frame(_written(ds, tmp_path))

    error = np.abs(frame.words.astype(np.int64) - pixels).max()
    assert error == 0 if syntax.lossless else error <= LARGEST_ERROR[syntax.uid]


@pytest.mark.parametrize("bits_stored", [10, 12, 14, 15, 16])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_native_pixels_are_read_as_numpy_reads_the_bytes(bits_stored: int, signed: bool, tmp_path: Path) -> None:
    ds = make_dx(rows=67, columns=51, bits_stored=bits_stored, signed=signed, transfer_syntax=ExplicitVRLittleEndian)
    expected = np.frombuffer(ds.PixelData, "<u2", 67 * 51).reshape(67, 51)

    assert np.array_equal(decode_frame(_written(ds, tmp_path)).words, expected)


@pytest.mark.parametrize("syntax", TRANSFER_SYNTAXES, ids=lambda syntax: syntax.name)
def test_every_decoder_of_the_table_is_installed(syntax: TransferSyntax) -> None:
    for decoder in syntax.decoders:
        assert distribution(decoder.package).version
        assert is_installed(decoder)


@pytest.mark.parametrize("syntax", [s for s in ENCAPSULATED if len(s.decoders) > 1], ids=lambda syntax: syntax.name)
def test_the_next_decoder_is_asked_where_the_first_is_missing_or_refuses(
    syntax: TransferSyntax, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth = next(iter(depths(syntax)))
    dtype, bits = DEPTHS[depth]
    ds = _written(encoded(chest_values((64, 80), dtype, bits), syntax.uid, bits), tmp_path)
    expected = decode_frame(ds).words.astype(np.int64)
    # what the first decoder of RLE refuses is damaged, and the second would make pixels of it
    for broken in (lambda _: None, *(() if syntax.uid == RLELossless else (lambda _: refuse,))):
        monkeypatch.setattr(decoders, "_imagecodecs", broken)
        assert np.abs(decode_frame(ds).words - expected).max() <= LARGEST_DIFFERENCE.get(syntax.uid, 0)


def test_a_frame_that_every_decoder_refuses_is_undecodable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ds = _written(encoded(chest_values((64, 80), "u2", 12), JPEGExtended12Bit, 12), tmp_path)
    monkeypatch.setattr(decoders, "_imagecodecs", lambda _: refuse)
    monkeypatch.setattr(decoders, "decode_by_gdcm", refuse)
    with pytest.raises(Undecodable, match="JPEG Extended Pixel Data is corrupt"):
        decode_frame(ds)
    monkeypatch.setattr(decoders, "_imagecodecs", lambda _: None)
    monkeypatch.setattr(decoders, "gdcm", lambda: None)
    with pytest.raises(Undecodable, match="no decoder of this installation"):
        decode_frame(ds)


def test_a_note_names_the_decoder_that_read_what_the_first_one_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ds = _written(encoded(chest_values((64, 80), "u2", 12), JPEGExtended12Bit, 12), tmp_path)
    assert decode_frame(ds).notes == ()
    monkeypatch.setattr(decoders, "_imagecodecs", lambda _: refuse)
    assert decode_frame(ds).notes == (OTHER_DECODER.format("JPEG Extended", "python-gdcm"),)


def test_gdcm_is_loaded_only_by_a_process_that_decodes_with_it() -> None:
    code = (
        "import sys; import scp_node.node.worker, scp_node.node.receiver, scp_node.decode.child\n"
        "maps = lambda: open('/proc/self/maps').read().count('gdcm')\n"
        "assert not maps(), 'mapped at import'\n"
        "from converter.image.gdcm import gdcm; gdcm(); assert maps()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_a_lossy_value_beyond_the_scale_stays_at_its_end(tmp_path: Path) -> None:
    """Masking 1030 to 10 bits would turn the brightest pixels into the darkest."""
    pixels = np.where(np.indices((64, 64)).sum(axis=0) % 16 < 8, 1023, 900).astype(np.uint16)
    ds = encoded(pixels, JPEGExtended12Bit, 10)
    assert by_one_decoder(ds, next(s for s in ENCAPSULATED if s.uid == JPEGExtended12Bit), JPEG).max() > 1023

    assert decode_frame(_written(ds, tmp_path)).words.max() == 1023


@pytest.mark.data
@pytest.mark.parametrize("name", HIP)
def test_the_hip_decodes_as_by_a_second_decoder(name: str, radiographs: Path) -> None:
    plugin, tolerance = HIP[name]
    ds = _read(radiographs / "dicom" / "nonchest" / name)

    frame = decode_frame(ds)

    assert np.abs(frame.words.astype(np.int64) - stored_values(ds, plugin)).max() <= tolerance


@pytest.mark.data
def test_all_lossless_forms_of_the_hip_are_the_same_image(radiographs: Path) -> None:
    folder = radiographs / "dicom" / "nonchest"

    decoded = [decode_frame(_read(folder / name)).words for name in HIP_LOSSLESS]

    assert all(np.array_equal(decoded[0], other) for other in decoded[1:])


@pytest.mark.data
@pytest.mark.peer("dcmdjpeg")
@pytest.mark.parametrize("name", ["RG2_JPLY.dcm", "RG3_JPLY.dcm"])
def test_real_jpeg_extended_files_decode_as_by_dcmtk(name: str, radiographs: Path) -> None:
    ds = _read(radiographs / "dicom" / "nonchest" / name)

    frame = decode_frame(ds)

    # 8 pixels of one of them lie beyond the 10 bits stored
    assert np.array_equal(frame.words, np.minimum(by_dcmdjpeg(ds), 1023))


def chest_values(shape: tuple[int, int], dtype: str, bits: int) -> NDArray[Any]:
    levels = np.rint(sketch_chest(*shape, seed=shape[0], noise=0.05) * ((1 << bits) - 1)).astype(np.int64)
    return (levels - (1 << bits - 1) if dtype[0] == "i" else levels).astype(dtype)


def by_one_decoder(ds: Dataset, syntax: TransferSyntax, decoder: Decoder) -> NDArray[np.int64]:
    one = TransferSyntax(syntax.uid, syntax.name, (decoder,), syntax.lossless)
    layout = read_layout(ds)
    return decode_pixels(checked_codestream(ds, ds.PixelData, 0, layout, one), layout, one).pixels.astype(np.int64)


def refuse(*_: object) -> Any:
    raise RuntimeError("not mine")


def _written(ds: Dataset, folder: Path) -> Dataset:
    return _read(write_dx(folder / "image.dcm", ds))


def _read(path: Path) -> Dataset:
    ds = read_image(path)
    assert isinstance(ds, Dataset)
    return ds
