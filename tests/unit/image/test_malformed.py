"""Broken and hostile objects end as Unreadable, Undecodable or Declined: no other exception, no memory taken."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from converter.declined import Declined
from converter.errors import ConverterError, Undecodable, Unreadable
from converter.image.bounded_file import inflate
from converter.image.convert import Converted, convert
from converter.image.image_file import read_image
from converter.package.intended_use import AgeRange, IntendedUse
from converter.package.network import InputSpec, Normalisation
from tests.support.dicom.codestreams import CODESTREAMS, small_image
from tests.support.dicom.phantoms import compress_with, make_dx, write_dx

SPEC = InputSpec(height=32, width=32, layout="NCHW", normalisation=Normalisation(name="scale"))
USE = IntendedUse(
    modalities=("CR", "DX"),
    body_parts=("CHEST",),
    views=("PA", "AP"),
    ages=AgeRange(min_years=0, max_years=120),
    statement="tests",
)
MEBIBYTE = 1 << 20
SMALL: dict[str, Any] = {"rows": 200, "columns": 160}
JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.70"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"


def judge(path: Path) -> Converted | Declined:
    return convert(path, SPEC, USE, preview_side_max=256, pixels_max=100_000_000)


def encoded(syntax: str) -> Dataset:
    if syntax in CODESTREAMS:
        ds = make_dx(small_image())
        compress_with(ds, syntax, CODESTREAMS[syntax])
        return ds
    bits: dict[str, Any] = {"bits_allocated": 8, "bits_stored": 8} if syntax == JPEGBaseline8Bit else {}
    return make_dx(transfer_syntax=syntax, **SMALL, **bits)


def with_codestream(ds: Dataset, change: Callable[[bytes], bytes]) -> Dataset:
    ds.PixelData = encapsulate([change(get_frame(ds.PixelData, 0, number_of_frames=1))])
    return ds


def changed(syntax: str, change: Callable[[bytes], bytes]) -> Dataset:
    return with_codestream(encoded(syntax), change)


def with_attributes(**attributes: object) -> Dataset:
    ds = make_dx(**SMALL)
    for keyword, value in attributes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


# What is wrong -> an object of which nothing may come but Undecodable.
UNDECODABLE: dict[str, Callable[[], Dataset]] = {
    "46341 x 46341 over 10 KB": lambda: with_attributes(Rows=46341, Columns=46341, PixelData=bytes(10_000)),
    "65535 x 65535 x 2 billion frames": lambda: with_attributes(
        Rows=65535, Columns=65535, NumberOfFrames=2_000_000_000
    ),
    "one pixel too few": lambda: with_attributes(PixelData=bytes(2 * 200 * 160 - 2)),
    "more frames than data": lambda: with_attributes(NumberOfFrames=2),
    "no rows": lambda: with_attributes(Rows=None),
    "zero rows": lambda: with_attributes(Rows=0),
    "empty pixel data": lambda: with_attributes(PixelData=b""),
    "no bits allocated": lambda: with_attributes(BitsAllocated=None),
    "32 bits allocated": lambda: with_attributes(BitsAllocated=32),
    "1 bit allocated": lambda: with_attributes(BitsAllocated=1, BitsStored=1, HighBit=0),
    "more bits stored than allocated": lambda: with_attributes(BitsStored=17, HighBit=16),
    "no bits stored": lambda: with_attributes(BitsStored=0, HighBit=0),
    "high bit below bits stored": lambda: with_attributes(HighBit=5),
    "high bit outside": lambda: with_attributes(HighBit=40),
    "three samples of MONOCHROME2": lambda: with_attributes(SamplesPerPixel=3),
    "one sample of RGB": lambda: with_attributes(PhotometricInterpretation="RGB"),
    "unknown photometric": lambda: with_attributes(PhotometricInterpretation="NOISE"),
    "no photometric": lambda: with_attributes(PhotometricInterpretation=None),
    "four samples": lambda: with_attributes(SamplesPerPixel=4, PhotometricInterpretation="CMYK"),
    "palette without tables": lambda: with_attributes(PhotometricInterpretation="PALETTE COLOR"),
    "rows as text": lambda: with_raw_rows(b"many"),
    "native data said to be JPEG 2000": lambda: with_syntax(make_dx(**SMALL), JPEG2000Lossless),
    "JPEG-LS said to be JPEG 2000": lambda: with_syntax(encoded(JPEGLSLossless), JPEG2000Lossless),
    "unknown transfer syntax": lambda: with_syntax(make_dx(**SMALL), "1.2.840.10008.1.2.4.51"),
    "codestream of another size": lambda: with_other_size(encoded(JPEG2000Lossless)),
    "giant JPEG 2000 in a small header": lambda: with_codestream(encoded(JPEG2000Lossless), _giant_j2k),
    "giant JPEG-LS in a small header": lambda: with_codestream(encoded(JPEGLSLossless), _giant_jpeg_ls),
    "RLE that runs over the end": lambda: with_codestream(encoded(RLELossless), _rle_too_long),
    "no fragments": lambda: with_fragments(b"\xfe\xff\x00\xe0\0\0\0\0"),
    "fragment longer than the data": lambda: with_fragments(b"\xfe\xff\x00\xe0\xff\xff\xff\x7f\x01\x02"),
    **{
        f"truncated {name}": partial(changed, syntax, lambda code: code[: len(code) // 2])
        for name, syntax in {
            "RLE": RLELossless,
            "JPEG": JPEGBaseline8Bit,
            "JPEG lossless": JPEG_LOSSLESS_SV1,
            "JPEG-LS": JPEGLSLossless,
            "JPEG 2000": JPEG2000Lossless,
            "HTJ2K": HTJ2K_LOSSLESS,
        }.items()
    },
    **{
        f"{name} of rubbish": partial(changed, syntax, lambda code: b"rubbish!" * 50)
        for name, syntax in {"RLE": RLELossless, "JPEG": JPEGBaseline8Bit, "JPEG 2000": JPEG2000Lossless}.items()
    },
}


def with_syntax(ds: Dataset, uid: str) -> Dataset:
    ds.file_meta.TransferSyntaxUID = UID(uid)
    if not ds["PixelData"].is_undefined_length:
        ds.PixelData = encapsulate([ds.PixelData])
        ds["PixelData"].is_undefined_length = True
    return ds


def with_raw_rows(raw: bytes) -> Dataset:
    ds = make_dx(**SMALL)
    ds.add_new("Rows", "LO", raw.decode())
    return ds


def with_other_size(ds: Dataset) -> Dataset:
    ds.Rows = ds.Rows + 8
    return ds


def with_fragments(data: bytes) -> Dataset:
    ds = encoded(JPEG2000Lossless)
    ds.PixelData = data
    return ds


def _giant_j2k(codestream: bytes) -> bytes:
    at = codestream.index(b"\xff\x51") + 6
    return codestream[:at] + struct.pack(">II", 60000, 60000) + codestream[at + 8 :]


def _giant_jpeg_ls(codestream: bytes) -> bytes:
    at = codestream.index(b"\xff\xf7") + 5
    return codestream[:at] + struct.pack(">HH", 60000, 60000) + codestream[at + 4 :]


def _rle_too_long(codestream: bytes) -> bytes:
    """Two segments (PS3.5 G.3), each of which repeats a byte for longer than the image has pixels."""
    segment = bytes([129, 7]) * 1000
    return struct.pack("<16I", 2, 64, 64 + len(segment), *[0] * 13) + segment * 2


@pytest.mark.parametrize("what", UNDECODABLE)
def test_a_hostile_object_is_undecodable_within_bounded_memory(what: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.dcm"
    write_dx(path, UNDECODABLE[what]())

    tracemalloc.start()
    try:
        with pytest.raises(Undecodable) as caught:
            judge(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 16 * MEBIBYTE
    assert "Phantom" not in str(caught.value) and len(str(caught.value)) > 10


def test_an_object_without_pixel_data_is_declined(tmp_path: Path) -> None:
    path = write_dx(tmp_path / "empty.dcm", with_attributes(PixelData=None))

    verdict = judge(path)

    assert isinstance(verdict, Declined) and verdict.code == "no-pixels"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"DICM",
        bytes(128) + b"DICM",
        bytes(4000),
        b"GIF89a" + bytes(500),
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"\xff\xd8\xff\xe0" + bytes(100),
        b"\x08\x00\x05\x00CS" + bytes(200),
        b"PK\x03\x04" + bytes(500),
        "Grüße, dies ist ein Brief.".encode() * 20,
    ],
    ids=["empty", "marker", "preamble", "zeros", "GIF", "PNG head", "PNG zeros", "JPEG zeros", "tag", "ZIP", "letter"],
)
def test_a_file_that_is_no_image_is_unreadable(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)

    with pytest.raises(Unreadable):
        read_image(path)


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        read_image(tmp_path / "absent.dcm")


@pytest.mark.parametrize("tail", [b"", b"\0" * 64], ids=["cut", "padded"])
def test_a_deflated_data_set_that_inflates_without_end_is_unreadable(tail: bytes, tmp_path: Path) -> None:
    path = write_dx(tmp_path / "bomb.dcm", make_dx(transfer_syntax=DeflatedExplicitVRLittleEndian, **SMALL))
    meta_end = 132 + 12 + int.from_bytes(path.read_bytes()[140:144], "little")
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = b"".join(deflate.compress(bytes(MEBIBYTE)) for _ in range(64)) + deflate.flush()
    path.write_bytes(path.read_bytes()[:meta_end] + bomb + tail)

    with pytest.raises(Unreadable, match="inflates to more than 8388608 bytes"):
        read_image(path, inflated_bytes_max=8 * MEBIBYTE)
    with pytest.raises(Unreadable, match="inflates to more than 8388608 bytes"):
        convert(path, SPEC, USE, 256, 100_000_000, 8 * MEBIBYTE)


def test_a_deflated_data_set_is_inflated_as_far_as_its_bound_and_no_further() -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = deflate.compress(bytes(range(256)) * 64) + deflate.flush()

    assert inflate(deflated, 1 << 20) == (bytes(range(256)) * 64, True)
    assert inflate(deflated, 300) == (bytes(range(256)) + bytes(range(44)), False)
    assert inflate(deflated[:-5], 1 << 20)[1] is False


def test_a_bomb_takes_no_more_memory_than_its_bound(tmp_path: Path) -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    (tmp_path / "bomb").write_bytes(b"".join(deflate.compress(bytes(MEBIBYTE)) for _ in range(512)) + deflate.flush())
    code = (
        "import resource, sys; from pathlib import Path; from converter.image.bounded_file import inflate\n"
        "bomb = Path(sys.argv[1]).read_bytes()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert not inflate(bomb, 8 << 20)[1]\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bomb")], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 32 << 10


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless])
@pytest.mark.parametrize("part", [0.03, 0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file_never_becomes_an_image(syntax: str, part: float, tmp_path: Path) -> None:
    path = write_dx(tmp_path / "cut.dcm", make_dx(transfer_syntax=syntax, **SMALL))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])

    try:
        verdict = judge(path)
    except (Unreadable, Undecodable):
        return
    assert isinstance(verdict, Declined)


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bytes_end_in_an_image_or_a_named_error(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    syntax = rng.choice([ImplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGBaseline8Bit])
    path = write_dx(tmp_path / "flipped.dcm", encoded(syntax))
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 5, 50])):
        # mostly in the header, where every byte means something
        data[rng.randrange(132, len(data) if rng.random() < 0.3 else 1600)] = rng.randrange(256)
    path.write_bytes(data)

    try:
        verdict = judge(path)
    except ConverterError as error:
        assert isinstance(error, Unreadable | Undecodable)
        return
    assert isinstance(verdict, Converted | Declined)
    if isinstance(verdict, Converted):
        assert np.isfinite(verdict.model_input).all()


def test_deep_nesting_is_an_error_with_a_name(tmp_path: Path) -> None:
    ds = make_dx(**SMALL)
    path = write_dx(tmp_path / "deep.dcm", ds)
    nested = b""
    for _ in range(3000):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(nested)) + nested
        nested = b"\x08\x00\x40\x11SQ\0\0" + struct.pack("<I", len(item)) + item
    data = path.read_bytes()
    at = data.index(b"\x10\x00\x10\x00PN")
    path.write_bytes(data[:at] + nested + data[at:])

    try:
        verdict = judge(path)
    except (Unreadable, Undecodable):
        return
    assert isinstance(verdict, Converted | Declined)
