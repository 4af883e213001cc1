"""Whether the size or aspect of a film gives its label away, alone and through a network.

Each film is given the size of another one drawn at random, or by black bars its aspect: the AUC should not move.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.errors import ConverterError
from converter.evaluation.metrics import auc
from converter.image.gray_image import GrayImage
from converter.image.header import whole_number
from converter.image.image_file import read_header
from converter.image.model_input import to_model_input
from converter.package.network import InputSpec
from training.data.cohorts import Example
from training.data.images import open_gray
from training.packaging.scores import score

AUC_SHIFT_MAX = 0.005
# What a variant of a film may move the AUC of the films as stored.
VARIANTS = ("resized", "padded")

Shape = tuple[int, int]


def measure_size_leak(
    examples: Sequence[Example],
    graph: bytes,
    spec: InputSpec,
    seed: int = 0,
    finding: str | None = None,
    output: int = 0,
) -> dict[str, float]:
    """AUC of size alone; of the network as stored, resized to another image's size, padded to another's aspect.

    `finding`: what counts as positive (None: any), and `output` its place among the probabilities of the graph.
    """
    images = [open_gray(example.path) for example in examples]
    positive = positives(examples, finding)
    other = [images[k].source_shape for k in np.random.default_rng(seed).permutation(len(images))]
    variants = {
        "as_stored": images,
        "resized": [resize(image, *shape) for image, shape in zip(images, other, strict=True)],
        "padded": [pad_to_aspect(image, *shape) for image, shape in zip(images, other, strict=True)],
    }
    return size_alone(positive, [image.source_shape for image in images]) | {
        name: round(auc(positive, probabilities(variant, graph, spec, output)), 4) for name, variant in variants.items()
    }


def size_alone(positive: NDArray[np.bool_], shapes: Sequence[Shape]) -> dict[str, float]:
    """AUC of area, width and aspect (width / height), each in the direction that separates better."""
    rows, columns = np.array(shapes, dtype=np.float64).T
    clues = {"area_alone": rows * columns, "width_alone": columns, "aspect_alone": columns / rows}
    return {name: round(max(auc(positive, clue), auc(positive, -clue)), 4) for name, clue in clues.items()}


def moved(figures: dict[str, float]) -> dict[str, float]:
    """Variants whose AUC differs from that of the films as stored by more than AUC_SHIFT_MAX, and by how much."""
    shifts = {name: round(figures[name] - figures["as_stored"], 4) for name in VARIANTS}
    return {name: shift for name, shift in shifts.items() if abs(shift) > AUC_SHIFT_MAX}


def stored_shape(path: Path) -> Shape:
    """(rows, columns) of an image file, without its pixels."""
    try:
        ds = read_header(path)
    except ConverterError:
        with Image.open(path) as picture:
            return picture.height, picture.width
    return whole_number(ds, "Rows") or 0, whole_number(ds, "Columns") or 0


def probabilities(images: Sequence[GrayImage], graph: bytes, spec: InputSpec, output: int = 0) -> np.ndarray:
    inputs = np.stack([to_model_input(image, spec) for image in images])
    return score(graph, inputs).probability[:, output].astype(np.float64)


def resize(image: GrayImage, rows: int, columns: int) -> GrayImage:
    resized = cv2.resize(image.pixels, (columns, rows), interpolation=cv2.INTER_AREA)
    return GrayImage(np.asarray(resized, dtype=np.uint16), (rows, columns))


def pad_to_aspect(image: GrayImage, rows: int, columns: int) -> GrayImage:
    """The image between black bars, so that the whole has the aspect of rows x columns."""
    height, width = image.pixels.shape
    target_width = max(width, round(height * columns / rows))
    target_height = max(height, round(target_width * rows / columns))
    top, left = (target_height - height) // 2, (target_width - width) // 2
    padded = np.zeros((target_height, target_width), dtype=np.uint16)
    padded[top : top + height, left : left + width] = image.pixels
    return GrayImage(padded, padded.shape)


def positives(examples: Sequence[Example], finding: str | None) -> NDArray[np.bool_]:
    return np.array([example.positive if finding is None else finding in example.findings for example in examples])


def separable(examples: Sequence[Example], findings: Sequence[str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each finding that some of the films have and others have not; ends the program where there is none."""
    labelled = {finding: positives(examples, finding) for finding in findings}
    told_apart = {finding: positive for finding, positive in labelled.items() if 0 < positive.sum() < len(positive)}
    if not told_apart:
        raise SystemExit(
            f"{len(examples)} films: no finding ({', '.join(findings) or 'none is labelled'}) divides them"
        )
    yield from told_apart.items()
