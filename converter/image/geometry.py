"""Square pixels and an upright film: what Pixel Spacing and Patient Orientation say about the stored frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from converter.image.gray_image import IDENTITY_AFFINE
from converter.image.header import numbers, word, words
from converter.image.sop_classes import is_sectional

Affine = NDArray[np.float64]
Pixels = NDArray[np.uint16]

# Vertical and horizontal, in the order in which they are believed (PS3.3 10.7.1, C.7.6.3.1.7).
SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")
SQUARE_WITHIN = 0.01
ASPECT_MAX = 4.0

NOT_SQUARE = "the pixels are not square: the image was resampled"
ABSURD_ASPECT = "the pixel spacing in the header is implausible and was left out"
ORIENTATION_UNKNOWN = "the header does not say how the film lies: it was taken as upright, its left side at the right"
TURNED = "the film was stored mirrored or rotated and was turned upright as Patient Orientation says"


def make_square(pixels: Pixels, ds: Dataset) -> tuple[Pixels, Affine, tuple[str, ...]]:
    """Reduce the finer axis until pixels are square; the affine maps the result's (column, row) to the stored frame."""
    aspect = _aspect(ds)
    if abs(aspect - 1) <= SQUARE_WITHIN:
        return pixels, IDENTITY_AFFINE.copy(), ()
    if not 1 / ASPECT_MAX <= aspect <= ASPECT_MAX:
        return pixels, IDENTITY_AFFINE.copy(), (ABSURD_ASPECT,)
    rows, columns = pixels.shape
    # pixels taller than wide: columns are the finer axis
    size = (max(1, round(columns / max(aspect, 1))), max(1, round(rows * min(aspect, 1))))
    resampled = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint16)
    x, y = columns / size[0], rows / size[1]
    to_source = np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]])
    return resampled, to_source, (NOT_SQUARE,)


def bring_upright(pixels: Pixels, ds: Dataset) -> tuple[Pixels, Affine, tuple[str, ...]]:
    r"""Turn the film so that Patient Orientation (PS3.3 C.7.6.1.1.1) becomes L\F: the patient faces the reader.

    All eight frontal orientations are handled; anything else (absent, lateral) is left as it is. That a radiograph
    does not say how it lies is noted; a slice says so elsewhere (Image Orientation, PS3.3 C.7.6.2).
    """
    directions = _directions(ds)
    if directions is None:
        silent = not is_sectional(word(ds, "SOPClassUID"), word(ds, "Modality")) and not _is_from_the_side(ds)
        return pixels, IDENTITY_AFFINE.copy(), (ORIENTATION_UNKNOWN,) if silent else ()
    if directions == ("L", "F"):
        return pixels, IDENTITY_AFFINE.copy(), ()
    along_row, along_column = directions
    transposed = along_row in "HF"
    if transposed:
        pixels = np.asarray(cv2.transpose(pixels), dtype=np.uint16)
        along_row, along_column = along_column, along_row
    mirrored, upside_down = along_row == "R", along_column == "H"
    pixels = np.ascontiguousarray(pixels[:: -1 if upside_down else 1, :: -1 if mirrored else 1])
    rows, columns = pixels.shape
    column = [-1.0, 0.0, columns - 1.0] if mirrored else [1.0, 0.0, 0.0]
    row = [0.0, -1.0, rows - 1.0] if upside_down else [0.0, 1.0, 0.0]
    return pixels, np.array([row, column] if transposed else [column, row]), (TURNED,)


def compose(outer: Affine, inner: Affine) -> Affine:
    """The affine that applies `inner` first."""
    full = np.vstack([inner, [0.0, 0.0, 1.0]])
    return np.asarray(outer @ full, dtype=np.float64)


def _aspect(ds: Dataset) -> float:
    """Height of a pixel over its width, 1 when nothing usable is said."""
    for keyword in SPACINGS:
        found = numbers(ds, keyword)
        if len(found) == 2 and found[0] > 0 and found[1] > 0:
            return found[0] / found[1]
    return 1.0


def _is_from_the_side(ds: Dataset) -> bool:
    """Whether an orientation is stated that is no frontal one."""
    letters = words(ds, "PatientOrientation")
    return len(letters) == 2 and any(one[:1] in ("A", "P") for one in letters)


def _directions(ds: Dataset) -> tuple[str, str] | None:
    """Principal directions of rows and columns when one is left-right and the other head-foot."""
    letters = [one[:1] for one in words(ds, "PatientOrientation")]
    if len(letters) != 2:
        return None
    axes = {"L": "side", "R": "side", "H": "height", "F": "height"}
    found = {axes.get(letter) for letter in letters}
    return (letters[0], letters[1]) if found == {"side", "height"} else None
