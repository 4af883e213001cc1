"""From a gray image to the array a network takes: squashed to its size, normalised, laid out."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from converter.image.gray_image import GrayImage
from converter.package.network import InputSpec


def to_model_input(image: GrayImage, spec: InputSpec) -> NDArray[np.float32]:
    """`image` as the network of `spec` takes it: [1, H, W] for NCHW, [H, W, 1] for NHWC.

    The whole image is squashed to H x W. Neither its size nor its aspect ratio can reach the network: in the
    children's films that models are trained on, the area alone separates the classes.
    """
    gray = normalise(squash(image, spec.height, spec.width), spec)
    return gray[np.newaxis] if spec.layout == "NCHW" else gray[..., np.newaxis]


def squash(image: GrayImage, height: int, width: int) -> NDArray[np.float32]:
    """Gray values 0..1 of the whole image on a height x width grid, by area averaging (no aliasing)."""
    return image.average.to(width, height).astype(np.float32) / np.float32(65535.0)


def normalise(gray: NDArray[np.float32], spec: InputSpec) -> NDArray[np.float32]:
    """Apply the normalisation that `spec` names (see Normalisation in the manifest) to gray values 0..1 [H, W]."""
    rule = spec.normalisation
    if rule.name == "scale":
        return np.asarray((gray - rule.mean) / rule.std, dtype=np.float32)
    rows, columns = (round(side * rule.margin) for side in gray.shape)
    centre = gray[rows : gray.shape[0] - rows, columns : gray.shape[1] - columns]
    if rule.name == "centre-rank":
        return _ranked(gray, centre)
    # summed in float64: the result must not depend on the order in which a platform adds float32
    mean, std = centre.mean(dtype=np.float64), centre.std(dtype=np.float64)
    standardised = (gray - mean) / (std + rule.epsilon)
    return np.asarray(np.clip(standardised, -rule.clip, rule.clip), dtype=np.float32)


def _ranked(gray: NDArray[np.float32], centre: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share of `centre` below each gray value (equal ones count half), from -sqrt(3) to sqrt(3)."""
    ordered = np.sort(centre, axis=None)
    below, upto = (np.searchsorted(ordered, gray, side) for side in ("left", "right"))
    return np.asarray(((below + upto) / ordered.size - 1) * math.sqrt(3), dtype=np.float32)
