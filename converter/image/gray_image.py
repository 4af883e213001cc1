"""The two things a conversion can end in: a gray image as a reader would see it, or a coded refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from converter.gate_codes import GATE_CODES
from converter.image.area import AreaAverage

IDENTITY_AFFINE = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class GrayImage:
    """One frame as a reader sees it: windowed, MONOCHROME2, upright, square pixels.

    pixels:     uint16 [rows, columns], 0 = black, 65535 = white.
    to_source:  float64 [2, 3], maps (column, row) of `pixels` to (column, row) of the stored frame; positions are
                pixel centres counted from 0.
    source_shape: (rows, columns) of the stored frame.
    notes:      plain sentences about what was assumed (no window, unknown age, ...), without patient data.
    """

    pixels: NDArray[np.uint16]
    source_shape: tuple[int, int]
    to_source: NDArray[np.float64] = field(default_factory=IDENTITY_AFFINE.copy)
    notes: tuple[str, ...] = ()

    @cached_property
    def average(self) -> AreaAverage:
        """Makes smaller images of `pixels`."""
        return AreaAverage(self.pixels)


@dataclass(frozen=True)
class Declined:
    """An image that is not analysed, and why: `code` is one of DECLINE_CODES, `reason` a sentence for a reader."""

    code: str
    reason: str

    def __post_init__(self) -> None:
        if self.code not in DECLINE_CODES:
            raise ValueError(f"unknown decline code {self.code!r}")


DECLINE_CODES: dict[str, str] = {
    "wrong-modality": "the Modality is none that the model was made for",
    "wrong-body-part": "the body part is not the one that the model was made for",
    "not-frontal": "the view is lateral or oblique",
    "wrong-view": "the view is frontal, but not one that the model or the route takes",
    "outside-ages": "the patient's age is outside the range the model was made for",
    "localizer": "a localizer (scout) image",
    "derived": "a derived image (processed, annotated or reformatted), not a radiograph as acquired",
    "no-pixels": "the object carries no pixel data",
    "undecodable": "the pixel data cannot be decoded",
    "implausible-blank": "the image is blank or nearly so",
    "implausible-tiny": "the image is too small to be a radiograph",
    "implausible-saturated": "most of the image is at the darkest or brightest level",
    "analysis-failed": "the analysis itself failed, through no fault of the image",
    "own-result": "a result of this node that came back from the archive",
    "no-route": "no route of this node takes images of this kind",
    **GATE_CODES,
}
