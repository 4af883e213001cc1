"""Hostile files through the real decoding children: each ends in a coded error or refusal, and the pool goes on."""

from __future__ import annotations

import io
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless

from converter.errors import ConverterError, Undecodable, Unreadable
from converter.image.convert import Converted
from converter.package.manifest import load_manifest
from scp_node.decode.pool import DecodePool
from scp_node.errors import DecodeFailed, DecodeOutOfMemory
from scp_node.settings import Inference
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.models.tiny_model import TINY

MANIFEST = load_manifest(TINY / "manifest.yaml")
MEMORY = 640 << 20
PIXELS_MAX = 100_000_000


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with closing(DecodePool(1, memory=MEMORY, cpu_s=30, timeout_s=120, inflated_bytes_max=1 << 30)) as pool:
        yield pool


def convert(pool: DecodePool, path: Path, pixels_max: int = PIXELS_MAX) -> object:
    return pool.convert(path, MANIFEST.input, MANIFEST.intended_use, 256, pixels_max)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_dx(tmp_path / "good.dcm", make_dx())


def test_a_header_that_claims_more_pixels_than_allowed(pool: DecodePool, tmp_path: Path, good: Path) -> None:
    ds = make_dx()
    ds.Rows = ds.Columns = 46341
    with pytest.raises(Undecodable):
        convert(pool, write_dx(tmp_path / "bomb.dcm", ds))
    assert isinstance(convert(pool, good), Converted)


def test_a_picture_that_unpacks_to_more_memory_than_allowed(pool: DecodePool, tmp_path: Path, good: Path) -> None:
    cv2.imwrite(str(tmp_path / "bomb.png"), np.zeros((9900, 9900), np.uint16))
    pid = pool.child_pids
    with pytest.raises(DecodeOutOfMemory):
        convert(pool, tmp_path / "bomb.png")
    assert isinstance(convert(pool, good), Converted)
    assert pool.child_pids != pid, "a child that ran out of memory is replaced"


def test_a_data_set_that_inflates_to_more_memory_than_allowed(pool: DecodePool, tmp_path: Path, good: Path) -> None:
    ds = make_dx(transfer_syntax=DeflatedExplicitVRLittleEndian)
    path = write_dx(tmp_path / "bomb.dcm", ds)
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = b"".join(deflate.compress(bytes(1 << 24)) for _ in range(60)) + deflate.flush()
    header_bytes = 132 + 12 + int(read_file_meta_info(path).FileMetaInformationGroupLength)
    path.write_bytes(path.read_bytes()[:header_bytes] + bomb)
    with pytest.raises(DecodeOutOfMemory):
        convert(pool, path)
    assert isinstance(convert(pool, good), Converted)


def test_a_data_set_that_inflates_to_more_than_the_settings_allow(tmp_path: Path) -> None:
    path = write_dx(tmp_path / "deflated.dcm", make_dx(transfer_syntax=DeflatedExplicitVRLittleEndian))
    for bytes_max, expected in ((400_000, Unreadable), (1_000_000, Converted)):
        with closing(DecodePool.of(Inference(inflated_bytes_max=bytes_max, decode_processes=1))) as pool:
            outcome: object
            try:
                outcome = convert(pool, path)
            except Unreadable as error:
                outcome = error
            assert isinstance(outcome, expected)


def jpeg_2000(damage: int | None) -> Dataset:
    """A radiograph in JPEG 2000 with 40 bytes changed, in header or data, and some of it cut off."""
    ds = make_dx(bits_stored=16)
    file = io.BytesIO()
    Image.fromarray(ds.pixel_array.astype(np.uint16)).save(file, "JPEG2000", no_jp2=True)
    codestream = bytearray(file.getvalue())
    if damage is not None:
        rng = np.random.default_rng(damage)
        for position in rng.integers(2, len(codestream) if damage % 2 else 200, 40):
            codestream[position] = rng.integers(256)
        del codestream[len(codestream) // (1 + damage % 3) :]
    ds.PixelData = encapsulate([bytes(codestream)])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
    return ds


@pytest.mark.parametrize("damage", range(12))
def test_a_corrupt_jpeg_2000_codestream(pool: DecodePool, tmp_path: Path, good: Path, damage: int) -> None:
    """Any outcome but a hang or a lost pool: a decoder may make something of a damaged codestream."""
    with suppress(ConverterError, DecodeFailed):
        convert(pool, write_dx(tmp_path / "corrupt.dcm", jpeg_2000(damage)))
    assert isinstance(convert(pool, good), Converted)


def test_the_same_jpeg_2000_codestream_undamaged(pool: DecodePool, tmp_path: Path) -> None:
    assert isinstance(convert(pool, write_dx(tmp_path / "whole.dcm", jpeg_2000(None))), Converted)


def test_every_truncation_of_a_file_ends_in_an_outcome(pool: DecodePool, tmp_path: Path, good: Path) -> None:
    whole = good.read_bytes()
    for length in (0, 1, 131, 132, 200, 333, 700, 1000, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.dcm").write_bytes(whole[:length])
        with pytest.raises((Unreadable, Undecodable)):
            outcome = convert(pool, tmp_path / "cut.dcm")
            assert not isinstance(outcome, Converted), f"{length} of {len(whole)} bytes were taken for an image"
            raise Undecodable("declined")


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "link to a pipe"])
def test_what_is_no_file_is_not_waited_for(pool: DecodePool, tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to a pipe").symlink_to(tmp_path / "pipe")
    path = {"folder": tmp_path, "device": Path("/dev/zero")}.get(kind, tmp_path / kind)
    for ask in (partial(convert, pool), pool.header, pool.sop_instance_uid):
        begun = time.monotonic()
        with pytest.raises(Unreadable, match="not a file"):
            ask(path)
        assert time.monotonic() - begun < 1


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"DICM" * 100, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0junk"])
def test_a_file_that_is_no_image(pool: DecodePool, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "junk").write_bytes(content)
    with pytest.raises(Unreadable):
        convert(pool, tmp_path / "junk")


def test_a_missing_file(pool: DecodePool, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        convert(pool, tmp_path / "gone.dcm")


def test_the_sop_instance_uid_is_read_in_the_child(pool: DecodePool, tmp_path: Path, good: Path) -> None:
    cv2.imwrite(str(tmp_path / "picture.png"), np.zeros((32, 32), np.uint8))
    assert pool.sop_instance_uid(good) == make_dx().SOPInstanceUID
    assert pool.sop_instance_uid(tmp_path / "picture.png") is None


@pytest.mark.data
def test_every_real_file_ends_in_an_outcome(pool: DecodePool, radiographs: Path) -> None:
    files = sorted([*radiographs.glob("cxr/dicom/*.dcm"), *radiographs.glob("dicom/**/*.dcm")])
    with closing(DecodePool(2)) as pool:
        for path in files:
            try:
                pool.convert(path, MANIFEST.input, None, 256, PIXELS_MAX)
            except (Undecodable, Unreadable) as error:
                assert str(error)
