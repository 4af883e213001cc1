"""Every transfer syntax of the table decodes, and what is lossless is exact to the bit, also by a second decoder."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from converter.image.decode import decode_frame
from converter.image.image_file import read_image
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES, TransferSyntax
from tests.support.codestreams import CODESTREAMS, small_image
from tests.support.phantoms import compress_with, make_dx, write_dx
from tests.support.reference import stored_values

LOSSY_OPTIONS: dict[str, dict[str, Any]] = {
    JPEGLSNearLossless: {"jls_error": 2},
    JPEG2000: {"j2k_psnr": [80]},
}
LARGEST_ERROR = {JPEGLSNearLossless: 2, JPEG2000: 8, JPEGBaseline8Bit: 12, "1.2.840.10008.1.2.4.203": 8}
HIP_LOSSLESS = ("RG2_J2KR.dcm", "RG2_JLSL.dcm", "RG2_JPLL.dcm", "RG2_RLE.dcm")
# name -> (decoder of the second opinion, largest difference between two decoders of the same lossy codestream)
HIP = {
    "RG2_J2KR.dcm": ("gdcm", 0),
    "RG2_JLSL.dcm": ("gdcm", 0),
    "RG2_JPLL.dcm": ("imagecodecs", 0),
    "RG2_RLE.dcm": ("pydicom", 0),
    "RG2_JLSN.dcm": ("gdcm", 0),
    "RG2_J2KI.dcm": ("gdcm", 1),
}


@pytest.mark.parametrize("syntax", TRANSFER_SYNTAXES, ids=lambda syntax: syntax.name)
def test_every_syntax_of_the_table_decodes_an_image_exactly_or_within_its_loss(
    syntax: TransferSyntax, tmp_path: Path
) -> None:
    pixels = small_image()
    ds = _dataset(pixels, syntax.uid)

    frame = decode_frame(_written(ds, tmp_path))

    if syntax.uid == JPEGBaseline8Bit:
        pixels = (pixels >> 4).astype(np.uint8)
    error = np.abs(frame.words.astype(np.int64) - pixels).max()
    assert error == 0 if syntax.lossless else error <= LARGEST_ERROR[syntax.uid]


@pytest.mark.parametrize("syntax", TRANSFER_SYNTAXES, ids=lambda syntax: syntax.name)
def test_every_syntax_of_the_table_names_the_package_that_decodes_it(syntax: TransferSyntax) -> None:
    assert bool(syntax.package) == bool(syntax.decoding_plugin) == syntax.encapsulated
    if syntax.package:
        assert distribution(syntax.package).version


@pytest.mark.parametrize("bits_stored", [10, 12, 14, 15, 16])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless], ids=lambda uid: uid.name)
def test_lossless_syntaxes_are_exact_at_every_depth(
    syntax: str, bits_stored: int, signed: bool, tmp_path: Path
) -> None:
    attributes: dict[str, Any] = {"rows": 96, "columns": 80, "bits_stored": bits_stored, "signed": signed}
    native = decode_frame(make_dx(transfer_syntax=ExplicitVRLittleEndian, **attributes))

    frame = decode_frame(_written(make_dx(transfer_syntax=syntax, **attributes), tmp_path))

    used = (1 << bits_stored) - 1
    assert np.array_equal(frame.words & used, native.words & used)


@pytest.mark.data
@pytest.mark.parametrize("name", HIP)
def test_the_hip_decodes_as_by_a_second_decoder(name: str, radiographs: Path) -> None:
    plugin, tolerance = HIP[name]
    ds = _read(radiographs / "dicom" / "nonchest" / name)

    frame = decode_frame(ds)

    second = _by_imagecodecs(ds) if plugin == "imagecodecs" else stored_values(ds, plugin)
    assert np.abs(frame.words.astype(np.int64) - second).max() <= tolerance


@pytest.mark.data
def test_all_lossless_forms_of_the_hip_are_the_same_image(radiographs: Path) -> None:
    folder = radiographs / "dicom" / "nonchest"

    decoded = [decode_frame(_read(folder / name)).words for name in HIP_LOSSLESS]

    assert all(np.array_equal(decoded[0], other) for other in decoded[1:])


@pytest.mark.data
@pytest.mark.parametrize("name", ["RG2_JPLY.dcm", "RG3_JPLY.dcm"])
def test_jpeg_extended_is_not_in_the_table_because_no_decoder_reads_real_files_of_it(
    name: str, radiographs: Path
) -> None:
    ds = _read(radiographs / "dicom" / "nonchest" / name)

    assert ds.file_meta.TransferSyntaxUID not in {syntax.uid for syntax in TRANSFER_SYNTAXES}


def _dataset(pixels: NDArray[np.uint16], uid: str) -> Dataset:
    if uid == JPEGBaseline8Bit:
        return make_dx((pixels >> 4).astype(np.uint8), bits_allocated=8, bits_stored=8, transfer_syntax=uid)
    if uid in CODESTREAMS:
        ds = make_dx(pixels)
        compress_with(ds, uid, CODESTREAMS[uid])
        return ds
    if uid in LOSSY_OPTIONS:
        ds = make_dx(pixels)
        ds.compress(uid, generate_instance_uid=False, **LOSSY_OPTIONS[uid])
        return ds
    return make_dx(pixels, transfer_syntax=uid)


def _by_imagecodecs(ds: Dataset) -> NDArray[Any]:
    imagecodecs = pytest.importorskip("imagecodecs")
    return np.asarray(imagecodecs.jpegsof3_decode(get_frame(ds.PixelData, 0, number_of_frames=1)))


def _written(ds: Dataset, folder: Path) -> Dataset:
    return _read(write_dx(folder / "image.dcm", ds))


def _read(path: Path) -> Dataset:
    ds = read_image(path)
    assert isinstance(ds, Dataset)
    return ds
