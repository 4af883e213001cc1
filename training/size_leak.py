"""Does the network profit from the size or the aspect of a film? On the children's films the area alone does.

Each image is given the size, or the aspect, of another one drawn at random; an AUC that falls had leaned on them.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from converter.evaluation.metrics import auc
from converter.image.gray_image import GrayImage
from converter.image.model_input import to_model_input
from converter.manifest import InputSpec
from training.cohorts import Example
from training.images import open_gray
from training.scores import score


def measure_size_leak(examples: Sequence[Example], graph: bytes, spec: InputSpec, seed: int = 0) -> dict[str, float]:
    """AUC as stored, resized to the size of another image, and padded to the aspect of another image."""
    images = [open_gray(example.path) for example in examples]
    positive = np.array([example.positive for example in examples])
    other = [images[k].source_shape for k in np.random.default_rng(seed).permutation(len(images))]
    variants = {
        "as_stored": images,
        "resized": [resize(image, *shape) for image, shape in zip(images, other, strict=True)],
        "padded": [pad_to_aspect(image, *shape) for image, shape in zip(images, other, strict=True)],
    }
    smallness = np.array([-float(np.prod(image.source_shape)) for image in images])
    return {"area_alone": round(auc(positive, smallness), 4)} | {
        name: round(auc(positive, probabilities(variant, graph, spec)), 4) for name, variant in variants.items()
    }


def probabilities(images: Sequence[GrayImage], graph: bytes, spec: InputSpec) -> np.ndarray:
    inputs = np.stack([to_model_input(image, spec) for image in images])
    return score(graph, inputs).probability[:, 0].astype(np.float64)


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
