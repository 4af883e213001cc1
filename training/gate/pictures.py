"""Pictures and DICOM files of the fetched packages as gray images, what is see-through laid on a plain ground."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.errors import ConverterError
from converter.image.gray_image import GrayImage
from training.data.images import open_gray

Gray = NDArray[np.uint8]

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
SIDE_MIN = 24
# A Qt resource file keeps pictures as they are, each after its length in four bytes.
PICTURE_STARTS = re.compile(rb"\xff\xd8\xff|RIFF....WEBP|\x89PNG\r\n", re.DOTALL)
PACKED_BYTES = (2_000, 5_000_000)


def files_of(folder: Path) -> list[Path]:
    """Every picture below `folder`, in an order that does not depend on the file system."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def read_picture(data: bytes, ground: int) -> Gray | None:
    """The picture as gray; `ground` (0..255) shows where it is see-through. None when it cannot be read."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if pixels is None or min(pixels.shape[:2]) < SIDE_MIN:
        return None
    if pixels.dtype == np.uint16:
        pixels = (np.asarray(pixels, np.uint16) >> 8).astype(np.uint8)
    if pixels.ndim == 2:
        return np.asarray(pixels, np.uint8)
    gray = cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_BGR2GRAY)
    if pixels.shape[2] == 4:
        opaque = pixels[..., 3].astype(np.float32) / 255
        gray = np.round(gray * opaque + ground * (1 - opaque))
    return np.asarray(gray, np.uint8)


def packed_pictures(folder: Path) -> Iterator[bytes]:
    """The pictures inside the Qt resource files (.rcc) of `folder`."""
    for path in sorted(folder.rglob("*.rcc")):
        data = path.read_bytes()
        for found in PICTURE_STARTS.finditer(data):
            start = found.start()
            length = int.from_bytes(data[start - 4 : start], "big")
            if PACKED_BYTES[0] < length < min(PACKED_BYTES[1], len(data) - start + 1):
                yield data[start : start + length]


def read_dicom(path: Path) -> Gray | None:
    """The first frame as a reader would see it; None when it cannot be shown."""
    try:
        image = open_gray(path)
    except ConverterError:
        return None
    return (image.pixels >> 8).astype(np.uint8) if isinstance(image, GrayImage) else None


def crops(picture: Gray, count: int, rng: np.random.Generator) -> Iterator[Gray]:
    """The whole picture, then random parts of it."""
    yield picture
    rows, columns = picture.shape
    for _ in range(count - 1):
        high, wide = (int(side * rng.uniform(0.3, 0.8)) for side in (rows, columns))
        top, left = int(rng.integers(0, rows - high + 1)), int(rng.integers(0, columns - wide + 1))
        yield np.ascontiguousarray(picture[top : top + high, left : left + wide])
