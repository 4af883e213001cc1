"""The whole conversion of one file, as a decoding process runs it: read, check the header, render, check the pixels,
shape for the model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.image.bounded_file import INFLATED_BYTES_MAX
from converter.image.decode import SidesMin
from converter.image.eligibility import age_unknown, check_header
from converter.image.encoded.damaged_dataset import DamagedDataset
from converter.image.geometry import compose
from converter.image.gray_image import GrayImage
from converter.image.image_file import read_image
from converter.image.model_input import to_model_input
from converter.image.open_file import OpenFile
from converter.image.pixels import render
from converter.image.plausibility import SIDE_MIN, check_pixels
from converter.image.stored_digest import stored_digest
from converter.package.intended_use import IntendedUse
from converter.package.network import InputSpec

NEARLY_THE_SAME = 0.9
DAMAGED = "the data set is not written as the standard has it; read as far as it can be understood"
# Reduced decoding leaves at least this many times the network's input. The evidence that a model package carries is
# measured at this limit (training/judging/reduced.py).
REDUCED_MIN = 2


@dataclass(frozen=True)
class Converted:
    """One image, ready for the model and for a reader.

    model_input: float32, one image as `InputSpec` lays it out.
    preview: uint8 [rows, columns], the rendered image, never enlarged; preview_to_source maps its (column, row) to
    the stored frame of source_shape (rows, columns). notes: what was assumed, without patient data. stored: digest of
    the stored values (see stored_digest), empty for a picture that is no DICOM object.
    """

    model_input: NDArray[np.float32]
    preview: NDArray[np.uint8]
    preview_to_source: NDArray[np.float64]
    source_shape: tuple[int, int]
    notes: tuple[str, ...]
    stored: str = ""


def convert(
    path: Path | OpenFile,
    spec: InputSpec,
    use: IntendedUse | None,
    preview_side_max: int,
    pixels_max: int,
    inflated_bytes_max: int = INFLATED_BYTES_MAX,
) -> Converted | Declined:
    """Convert the file for a model with input `spec`, or say why the image is not analysed.

    `use=None` leaves out the header rules. Raises Unreadable or Undecodable.
    """
    source = read_image(path, pixels_max, inflated_bytes_max)
    notes: tuple[str, ...] = ()
    stored: list[str] = []
    if isinstance(source, GrayImage):  # a PNG or JPEG file says nothing of the patient
        image, notes = source, (age_unknown(use),) if use is not None else ()
    else:
        if use is not None:
            verdict = check_header(source, use)
            if isinstance(verdict, Declined):
                return verdict
            notes = verdict
        if isinstance(source, DamagedDataset):
            notes = (*notes, DAMAGED)
        sides_min = _sides_min(spec, preview_side_max)
        image = render(source, 0, pixels_max, sides_min, lambda frame: stored.append(stored_digest(frame)))
    small, small_to_source = shrink(image, preview_side_max)
    implausible = check_pixels(image, small)
    if implausible is not None:
        return implausible
    return Converted(
        model_input=to_model_input(image, spec),
        preview=(small >> 8).astype(np.uint8),
        preview_to_source=small_to_source,
        source_shape=image.source_shape,
        notes=(*notes, *image.notes),
        stored="".join(stored),
    )


def _sides_min(spec: InputSpec, preview_side_max: int) -> SidesMin | None:
    """How small reduced decoding may make the frame, so that neither network nor preview is given less detail.

    The film may be turned upright only later, so that each of its sides must do for the longer side of the input.
    """
    if not spec.jpeg2000_reduced:
        return None
    shorter = max(SIDE_MIN, REDUCED_MIN * max(spec.height, spec.width))
    return SidesMin(shorter, longer=math.ceil(NEARLY_THE_SAME * preview_side_max))


def shrink(image: GrayImage, side_max: int) -> tuple[NDArray[np.uint16], NDArray[np.float64]]:
    """The image with a long side of at most `side_max`, and the affine to the stored frame.

    Exactly half, where that is nearly the same: two by two pixels are averaged sharper and in a fifth of the time.
    """
    rows, columns = image.pixels.shape
    factor = min(1.0, side_max / max(rows, columns))
    if factor == 1:
        return image.pixels, image.to_source
    if rows % 2 == columns % 2 == 0 and NEARLY_THE_SAME <= 0.5 / factor <= 1:
        factor = 0.5
    size = (max(1, round(columns * factor)), max(1, round(rows * factor)))
    x, y = columns / size[0], rows / size[1]
    to_image = np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]])
    return image.average.to(*size), compose(image.to_source, to_image)
