"""PNG, JPEG and DICOM come through the same door."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from converter.errors import Unreadable
from converter.image.bounded_file import HEADER_BYTES_MAX
from converter.image.gray_image import GrayImage
from converter.image.image_file import read_header, read_image
from converter.image.pixels import render
from converter.image.plausibility import check_pixels
from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.phantoms import lut_item, make_dx, write_dx

EIGHT = np.rint(sketch_chest(60, 50) * 255).astype(np.uint8)
SIXTEEN = np.rint(sketch_chest(60, 50) * 65535).astype(np.uint16)


def picture(path: Path) -> GrayImage:
    image = read_image(path)
    assert isinstance(image, GrayImage)
    assert image.pixels.dtype == np.uint16 and image.source_shape == image.pixels.shape
    return image


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_of_any_depth_and_channels_becomes_gray(depth: int, channels: int, tmp_path: Path) -> None:
    gray: NDArray[Any] = EIGHT if depth == 8 else SIXTEEN
    pixels = gray if channels == 1 else np.repeat(gray[..., None], channels, axis=2)
    cv2.imwrite(str(tmp_path / "image.png"), pixels)

    shown = picture(tmp_path / "image.png").pixels

    expected = EIGHT.astype(int) * 257 if depth == 8 else SIXTEEN.astype(int)
    assert np.abs(shown - expected).max() <= 1


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 15])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_that_leaves_its_highest_bits_unused_is_scaled(bits: int, channels: int, tmp_path: Path) -> None:
    shown = sketch_chest(160, 136)
    gray = np.rint(shown / shown.max() * (2**bits - 1)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "image.png"), gray if channels == 1 else np.repeat(gray[..., None], channels, axis=2))

    image = picture(tmp_path / "image.png")

    assert np.abs(image.pixels - gray * (65535 / (2**bits - 1))).max() <= 1
    assert image.notes[-1] == f"16-bit PNG that uses {bits} bits: scaled to these"
    assert check_pixels(image) is None


def test_a_png_that_uses_all_its_bits_stays_as_it_is(tmp_path: Path) -> None:
    gray = SIXTEEN.copy()
    gray[0, 0] = 32768
    cv2.imwrite(str(tmp_path / "deep.png"), gray)
    cv2.imwrite(str(tmp_path / "black.png"), np.zeros((20, 20), np.uint16))

    deep, black = picture(tmp_path / "deep.png"), picture(tmp_path / "black.png")

    assert np.array_equal(deep.pixels, gray) and deep.notes == ()
    assert not black.pixels.any()


@pytest.mark.parametrize("mode", ["1", "P", "L", "LA"])
def test_png_of_every_mode_is_read(mode: str, tmp_path: Path) -> None:
    Image.fromarray(EIGHT).convert(mode).save(tmp_path / "image.png")

    assert picture(tmp_path / "image.png").pixels.shape == (60, 50)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_becomes_gray(mode: str, tmp_path: Path) -> None:
    Image.fromarray(EIGHT).convert(mode).save(tmp_path / "image.jpg", quality=98)

    shown = picture(tmp_path / "image.jpg").pixels

    assert np.abs(shown - EIGHT.astype(int) * 257).mean() < 257 * 2


def test_colours_keep_their_order(tmp_path: Path) -> None:
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 0] = 255
    for name in ("red.png", "red.jpg"):
        Image.fromarray(red).save(tmp_path / name)

    levels = [float(picture(tmp_path / name).pixels.mean() / 65535) for name in ("red.png", "red.jpg")]

    assert levels == pytest.approx([0.299, 0.299], abs=0.01)


def test_a_jpeg_that_lies_on_its_side_is_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the picture must be turned right
    Image.fromarray(EIGHT).save(tmp_path / "side.jpg", quality=98, exif=exif)

    shown = picture(tmp_path / "side.jpg").pixels

    assert np.abs(shown - np.rot90(EIGHT, -1).astype(int) * 257).mean() < 257 * 2


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("part", [0.3, 0.7, 0.97])
def test_a_truncated_picture_is_unreadable(form: str, part: float, tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(EIGHT).save(file, form)
    data = file.getvalue()
    (tmp_path / "cut").write_bytes(data[: int(len(data) * part)])

    with pytest.raises(Unreadable):
        read_image(tmp_path / "cut")


def test_a_png_with_a_wrong_checksum_is_unreadable(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "image.png"), EIGHT)
    data = bytearray((tmp_path / "image.png").read_bytes())
    data[len(data) // 2] ^= 0x55
    (tmp_path / "image.png").write_bytes(data)

    with pytest.raises(Unreadable):
        read_image(tmp_path / "image.png")


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_picture_beyond_the_limit_is_refused_before_it_is_decoded(form: str, tmp_path: Path) -> None:
    Image.new("L", (3000, 2000)).save(tmp_path / "large", form)

    with pytest.raises(Unreadable, match="3000 x 2000 pixels"):
        read_image(tmp_path / "large", pixels_max=5_999_999)
    assert picture(tmp_path / "large").pixels.shape == (2000, 3000)


def test_a_dicom_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    path = write_dx(tmp_path / "image.png", make_dx(rows=20, columns=20))

    assert isinstance(read_image(path), Dataset)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian], ids=lambda uid: uid.name)
@pytest.mark.parametrize("meta", [True, False], ids=["with file meta", "data set alone"])
def test_a_file_without_preamble_is_read(syntax: str, meta: bool, tmp_path: Path) -> None:
    ds = make_dx(rows=20, columns=20, transfer_syntax=syntax)
    path = write_dx(tmp_path / "image.dcm", ds)
    data = path.read_bytes()
    meta_bytes = 12 + int.from_bytes(data[140:144], "little")
    path.write_bytes(data[132 + (0 if meta else meta_bytes) :])

    read = read_image(path)

    assert isinstance(read, Dataset) and read.SOPInstanceUID == ds.SOPInstanceUID
    assert np.array_equal(render(read).pixels, render(ds).pixels)


def test_a_deflated_data_set_is_read_like_any_other(tmp_path: Path) -> None:
    plain = write_dx(tmp_path / "plain.dcm", make_dx(transfer_syntax=ExplicitVRLittleEndian))
    deflated = write_dx(tmp_path / "deflated.dcm", make_dx(transfer_syntax=DeflatedExplicitVRLittleEndian))

    first, second = read_image(plain), read_image(deflated)

    assert isinstance(first, Dataset) and isinstance(second, Dataset)
    assert first == second
    assert second.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    assert np.array_equal(render(first).pixels, render(second).pixels)


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEG2000Lossless,
    ],
    ids=lambda uid: uid.name,
)
def test_a_header_is_all_but_the_value_of_the_pixel_data(syntax: str, tmp_path: Path) -> None:
    path = write_dx(tmp_path / "image.dcm", make_dx(transfer_syntax=syntax, PatientName="Müller^Jürgen"))

    header = read_header(path)

    whole = read_image(path)
    assert isinstance(whole, Dataset)
    assert header.file_meta.TransferSyntaxUID == syntax
    assert "PixelData" in header and not header.PixelData
    del header.PixelData, whole.PixelData
    assert header == whole and str(header.PatientName) == "Müller^Jürgen"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian], ids=lambda uid: uid.name)
def test_a_header_shows_that_there_is_no_pixel_data(syntax: str, tmp_path: Path) -> None:
    path = write_dx(tmp_path / "image.dcm", make_dx(transfer_syntax=syntax, PixelData=None))

    assert "PixelData" not in read_header(path)


def test_a_long_value_of_a_header_is_read_when_it_is_used(tmp_path: Path) -> None:
    entries = np.arange(65536, dtype=np.uint16)
    path = write_dx(tmp_path / "image.dcm", make_dx(VOILUTSequence=[lut_item(entries)], ICCProfile=bytes(100_000)))

    header = read_header(path)

    assert np.array_equal(np.frombuffer(header.VOILUTSequence[0].LUTData, "<u2"), entries)
    element = header.get_item("ICCProfile", keep_deferred=True)
    assert isinstance(element, RawDataElement) and element.value is None
    assert header.ICCProfile == bytes(100_000)


@pytest.mark.parametrize("meta", [True, False], ids=["with file meta", "data set alone"])
def test_the_header_of_a_file_without_preamble_is_read(meta: bool, tmp_path: Path) -> None:
    ds = make_dx(rows=20, columns=20)
    path = write_dx(tmp_path / "image.dcm", ds)
    data = path.read_bytes()
    path.write_bytes(data[132 + (0 if meta else 12 + int.from_bytes(data[140:144], "little")) :])

    header = read_header(path)

    assert header.SOPInstanceUID == ds.SOPInstanceUID and "PixelData" in header
    assert header.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_pixels_of_any_size_are_neither_read_nor_inflated_for_a_header(tmp_path: Path) -> None:
    ds = make_dx(rows=20, columns=20, transfer_syntax=DeflatedExplicitVRLittleEndian)
    ds.PixelData = bytes(300 << 20)
    deflated = write_dx(tmp_path / "deflated.dcm", ds)
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    native = write_dx(tmp_path / "native.dcm", ds)
    del ds
    code = (
        "import resource, sys; from pathlib import Path; from converter.image.image_file import read_header\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert 'PixelData' in read_header(Path(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )

    for path in (deflated, native):
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        assert int(done.stdout) < 16 << 10, f"{path.name} took {done.stdout.strip()} KiB"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian], ids=lambda uid: uid.name)
def test_a_header_of_more_than_its_bound_is_unreadable(syntax: str, tmp_path: Path) -> None:
    item = Dataset()
    item.add_new("LUTData", "OW", bytes(HEADER_BYTES_MAX + (1 << 20)))
    ds = make_dx(transfer_syntax=syntax, VOILUTSequence=[item])
    ds["VOILUTSequence"].is_undefined_length = True
    path = write_dx(tmp_path / "image.dcm", ds)

    with pytest.raises(Unreadable, match="64 MiB"):
        read_header(path)


def test_a_deflated_header_that_ends_too_early_is_unreadable(tmp_path: Path) -> None:
    path = write_dx(tmp_path / "image.dcm", make_dx(transfer_syntax=DeflatedExplicitVRLittleEndian))
    data = path.read_bytes()
    path.write_bytes(data[: 132 + 12 + int.from_bytes(data[140:144], "little") + 40])

    with pytest.raises(Unreadable, match="ends too early"):
        read_header(path)


def test_a_deflated_file_without_preamble_has_a_header_all_the_same(tmp_path: Path) -> None:
    ds = make_dx(transfer_syntax=DeflatedExplicitVRLittleEndian)
    path = write_dx(tmp_path / "image.dcm", ds)
    path.write_bytes(path.read_bytes()[132:])

    assert read_header(path).SOPInstanceUID == ds.SOPInstanceUID


def test_only_dicom_has_a_header(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "image.png"), EIGHT)
    (tmp_path / "empty").touch()

    for name in ("image.png", "empty", "absent"):
        with pytest.raises(Unreadable):
            read_header(tmp_path / name)


def test_broken_values_do_not_print_what_they_hold(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ds = make_dx(rows=20, columns=20)
    path = write_dx(tmp_path / "image.dcm", ds)
    data = path.read_bytes().replace(b"20210401", b"ERIKA^MU")
    path.write_bytes(data)

    read = read_image(path)

    assert isinstance(read, Dataset)
    render(read)
    assert "ERIKA" not in "".join(capfd.readouterr())
