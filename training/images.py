"""Images as arrays, read through the node's own converter, and kept on disk between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

import converter.image
from converter.image.gray_image import GrayImage
from converter.image.image_file import read_image
from converter.image.model_input import squash, to_model_input
from converter.image.pixels import render
from converter.manifest import InputSpec
from training.cohorts import Example

CACHE = Path(".cache/training")
TRAINING_SIDE = 160
Value = TypeVar("Value", bound=np.generic)


def load_training_images(folder: Path, examples: Sequence[Example]) -> NDArray[np.uint8]:
    """[images, 160, 160], somewhat larger than the network's input so that augmentation has room to cut and zoom."""

    def shrink(gray: GrayImage) -> NDArray[np.uint8]:
        return np.asarray(np.round(squash(gray, TRAINING_SIDE, TRAINING_SIDE) * 255), dtype=np.uint8)

    return _cached(f"training {TRAINING_SIDE}", folder, examples, shrink)


def load_model_inputs(folder: Path, examples: Sequence[Example], spec: InputSpec) -> NDArray[np.float32]:
    """[images, ...] exactly as the node would give them to the network."""
    return _cached(spec.model_dump_json(), folder, examples, lambda gray: to_model_input(gray, spec))


def channels_last(inputs: NDArray[np.float32], spec: InputSpec) -> NDArray[np.float32]:
    """Keras on a CPU computes channels-last; the exported graph takes the layout that `spec` names."""
    return inputs if spec.layout == "NHWC" else np.moveaxis(inputs, 1, -1)


def open_gray(path: Path) -> GrayImage:
    """The radiograph in `path` as a reader would see it. Raises Unreadable or Undecodable."""
    image = read_image(path)
    return image if isinstance(image, GrayImage) else render(image)


def _cached(
    purpose: str, folder: Path, examples: Sequence[Example], convert: Callable[[GrayImage], NDArray[Value]]
) -> NDArray[Value]:
    """The array of all `examples`; the file name changes with the images, the purpose and the converter's code."""
    code = [file.read_bytes() for file in sorted(Path(converter.image.__path__[0]).glob("*.py"))]
    names = "\n".join(example.path for example in examples)
    manifest = (folder / "manifest.csv").read_bytes()
    key = hashlib.sha256(b"\0".join([purpose.encode(), names.encode(), manifest, *code])).hexdigest()[:32]
    file = CACHE / f"{key}.npy"
    if not file.exists():
        with ThreadPoolExecutor(2) as pool:
            arrays = np.stack(list(pool.map(lambda example: convert(open_gray(folder / example.path)), examples)))
        CACHE.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part.npy")
        np.save(part, arrays)
        part.replace(file)
    loaded: NDArray[Value] = np.load(file)
    return loaded
