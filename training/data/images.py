"""Images as arrays, read through the node's own converter, and kept on disk between runs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

import converter.image
from converter.declined import Declined
from converter.errors import ConverterError
from converter.image.convert import Converted, convert, shrink
from converter.image.film_digest import DIGEST_SIDE, film_digest
from converter.image.gray_image import GrayImage
from converter.image.image_file import read_image
from converter.image.model_input import squash, to_model_input
from converter.image.pixels import render
from converter.package.network import InputSpec
from training.data.cohorts import Example

CACHE = Path(".cache/training")
TRAINING_SIDE = 160
THUMBNAIL_SIDE = 32
READERS = 2
# As much of a film as the node shows, and as many pixels as it decodes.
PREVIEW_SIDE_MAX, PIXELS_MAX = DIGEST_SIDE, 100_000_000
Value = TypeVar("Value", bound=np.generic)


def load_training_images(examples: Sequence[Example], side: int = TRAINING_SIDE) -> NDArray[np.uint8]:
    """[images, side, side], somewhat larger than the network's input so that augmentation has room to cut and zoom."""

    def shrink(gray: GrayImage) -> NDArray[np.uint8]:
        return np.asarray(np.round(squash(gray, side, side) * 255), dtype=np.uint8)

    return _cached(f"training {side}", examples, shrink)


def load_thumbnails(examples: Sequence[Example]) -> NDArray[np.float32]:
    """[images, 32, 32], gray values 0..1, by which near-duplicates are found."""
    return _cached("thumbnails", examples, lambda gray: squash(gray, THUMBNAIL_SIDE, THUMBNAIL_SIDE))


def load_model_inputs(examples: Sequence[Example], spec: InputSpec) -> NDArray[np.float32]:
    """[images, ...] exactly as the node would give them to the network."""
    return _cached(spec.model_dump_json(), examples, lambda gray: to_model_input(gray, spec))


def load_film_digests(examples: Sequence[Example]) -> NDArray[np.uint64]:
    """[images]: the digest of each film's pixels, as the node computes it."""

    def digest(gray: GrayImage) -> NDArray[np.uint64]:
        small, _ = shrink(gray, DIGEST_SIDE)
        return np.asarray(film_digest((small >> 8).astype(np.uint8)), dtype=np.uint64)

    return _cached(f"film digests {DIGEST_SIDE}", examples, digest)


def load_targets(examples: Sequence[Example], findings: Sequence[str]) -> NDArray[np.float32]:
    """[images, findings]: 1 where the example has the finding of this column."""
    return np.array([[finding in example.findings for finding in findings] for example in examples], dtype=np.float32)


def channels_last(inputs: NDArray[np.float32], spec: InputSpec) -> NDArray[np.float32]:
    """Keras on a CPU computes channels-last; the exported graph takes the layout that `spec` names."""
    return inputs if spec.layout == "NHWC" else np.moveaxis(inputs, 1, -1)


def open_gray(path: Path) -> GrayImage:
    """The radiograph in `path` as a reader would see it. Raises Unreadable or Undecodable."""
    image = read_image(path)
    return image if isinstance(image, GrayImage) else render(image)


def convert_film(path: Path, spec: InputSpec) -> Converted | Declined:
    """The file as the node converts it, without the rules on its header."""
    return convert(path, spec, None, PREVIEW_SIDE_MAX, PIXELS_MAX)


def gray_statistics(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and standard deviation of gray values 0..1, every pixel of every image counting alike."""
    counts = np.bincount(images.ravel(), minlength=256)
    levels = np.arange(256) / 255
    mean = float(counts @ levels / counts.sum())
    return mean, float(np.sqrt(counts @ (levels - mean) ** 2 / counts.sum()))


def _cached(
    purpose: str, examples: Sequence[Example], convert: Callable[[GrayImage], NDArray[Value]]
) -> NDArray[Value]:
    """The array of all `examples`; the file's name changes with the images, the purpose and the converter's code."""
    if not examples:
        raise SystemExit("there are no images: nothing can be learned or measured")
    file = CACHE / f"{cache_key(purpose, examples)}.npy"
    if not file.exists():

        def read(example: Example) -> NDArray[Value]:
            try:
                return convert(open_gray(example.path))
            except ConverterError as error:
                raise SystemExit(f"{example.path}: {error}") from error

        with ThreadPoolExecutor(READERS) as pool:
            arrays = np.stack(list(pool.map(read, examples)))
        CACHE.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}.part.npy")  # another process may be at the same images
        np.save(part, arrays)
        part.replace(file)
    loaded: NDArray[Value] = np.load(file)
    return loaded


def cache_key(purpose: str, examples: Sequence[Example]) -> str:
    """Different wherever the pixels may be: another path, size or date of a file, another converter."""
    digest = hashlib.sha256(purpose.encode())
    for file in sorted(Path(converter.image.__path__[0]).glob("*.py")):
        digest.update(file.read_bytes())
    for example in examples:
        status = example.path.stat()
        digest.update(f"\0{example.path}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    return digest.hexdigest()[:32]
