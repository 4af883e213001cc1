"""What a model says of a gray image in memory: the node's own analysis, for images that are in no file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.analysis.analyse import analyse
from converter.analysis.policy import Policy
from converter.analysis.ports import Model
from converter.analysis.scores import ImageScores
from converter.errors import ConverterError
from converter.image.convert import Converted, shrink
from converter.image.gray_image import GrayImage
from converter.image.model_input import to_model_input
from converter.image.plausibility import check_pixels
from converter.package.intended_use import IntendedUse
from converter.package.manifest import Manifest
from converter.package.network import InputSpec

Gray = NDArray[np.float32]
PREVIEW_SIDE_MAX = 320
# The gate's no is noted: how the network would have answered is wanted too.
POLICY = Policy("note", PREVIEW_SIDE_MAX, pixels_max=1, header_rules=False)
NO_FILE = Path("in memory")


@dataclass(frozen=True)
class FilmAnswer:
    """probability: float64 [findings], 0..1, and cam: float32 [findings, h, w], logit units: what the network says,
    whether or not the node would ask it. refused: the code of the node's refusal; "" where it would answer."""

    probability: NDArray[np.float64]
    cam: NDArray[np.float32]
    refused: str = ""


def answer(gray: Gray, model: Model) -> FilmAnswer:
    """What `model` says of `gray` [H, W], 0..1. Raises what the model raises."""
    decoder, asked = _InMemory(gray_image(gray)), _Remembering(model)
    examined = analyse(NO_FILE, asked, decoder, POLICY)
    scores = asked.scores
    assert scores is not None, "the decoder refuses nothing"
    refusal = decoder.implausible or examined.declined or examined.gate
    return FilmAnswer(
        np.asarray(scores.probability, dtype=np.float64), scores.cam, "" if refusal is None else refusal.code
    )


def answers(films: Iterable[Gray], model: Model) -> Iterator[FilmAnswer]:
    """One by one: only one film is held."""
    return (answer(film, model) for film in films)


def gray_image(gray: Gray) -> GrayImage:
    """0..1 as a rendered frame."""
    pixels = np.round(np.clip(gray, 0, 1) * 65535).astype(np.uint16)
    return GrayImage(pixels, (pixels.shape[0], pixels.shape[1]))


def gray_values(image: GrayImage, side_max: int) -> Gray:
    """A rendered frame as 0..1, its longer side at most `side_max`."""
    small, _ = shrink(image, side_max)
    return np.asarray(small / np.float32(65535), dtype=np.float32)


def enlarged(gray: Gray, shorter: int) -> Gray:
    """`gray`, the shorter side at least `shorter` pixels (bicubic): the node refuses tiny files."""
    factor = shorter / min(gray.shape)
    if factor <= 1:
        return gray
    size = tuple(max(shorter, round(side * factor)) for side in gray.shape[::-1])
    return np.asarray(np.clip(cv2.resize(gray, size, interpolation=cv2.INTER_CUBIC), 0, 1), dtype=np.float32)


class _InMemory:
    """An ImageDecoder of one image. What is implausible is remembered, and shown to the model all the same."""

    failures: tuple[type[Exception], ...] = (ConverterError,)

    def __init__(self, image: GrayImage) -> None:
        self._image = image
        self.implausible = check_pixels(image)

    def convert(
        self, path: Path, spec: InputSpec, use: IntendedUse | None, preview_side_max: int, pixels_max: int
    ) -> Converted:
        small, to_source = shrink(self._image, preview_side_max)
        preview = (small >> 8).astype(np.uint8)
        return Converted(to_model_input(self._image, spec), preview, to_source, self._image.source_shape, ())


class _Remembering:
    """A Model whose last scores can be looked up, also where a later step refused the image."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.scores: ImageScores | None = None

    @property
    def manifest(self) -> Manifest:
        return self._model.manifest

    @property
    def provider(self) -> str:
        return self._model.provider

    def score(self, model_input: NDArray[np.float32]) -> ImageScores:
        self.scores = self._model.score(model_input)
        return self.scores
