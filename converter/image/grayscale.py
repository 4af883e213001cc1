"""The grayscale pipeline of PS3.4 N.2, folded into one table: stored word -> gray level 0..65535.

    stored bits -> modality LUT -> VOI LUT -> presentation (polarity) -> padding to black

Choices the standard leaves open, all tested:
- Polarity: Presentation LUT Shape where present (INVERSE inverts), else Photometric Interpretation (MONOCHROME1
  inverts). They must agree (PS3.3 C.7.6.1, C.8.11.3); where they do not, the shape speaks about the output and wins,
  as in other implementations.
- No VOI in the header: images of at most 8 bits and images declared to be in P-Values (Presentation LUT Shape) are
  shown over their full range, the VOI stage being an identity (PS3.3 C.8.11.3.1.2). Everything else, and P-Values that
  use less than an eighth of their range, gets an automatic window.
- A VOI that leaves nothing to see (contrast.py) counts as none, unless the image would look no better without it.
- Automatic window: LINEAR_EXACT between the 0.5 and 99.5 percentiles of all pixels that are not padding.
- For Processing images: the header's VOI is not meant for them. Values proportional to intensity (Pixel Intensity
  Relationship LIN) are turned into attenuation by a logarithm, Pixel Intensity Relationship Sign says which end is
  dense (PS3.3 C.8.11.3.1.2), dense is white, and the window is automatic.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import ExplicitVRBigEndian

from converter.image.contrast import has_contrast, shows_something
from converter.image.decode import StoredFrame
from converter.image.header import items, numbers, value, whole_number, word
from converter.image.lookup_table import read_lookup_table
from converter.image.sop_classes import DIGITAL_X_RAY_FOR_PROCESSING
from converter.image.voi import Values, header_voi, linear_exact

AUTOMATIC_WINDOW = (0.005, 0.995)
USED_RANGE_MIN = 1 / 8

NO_WINDOW = "no window in the header: one was set from the pixel values"
BLANK_VOI = "the window or VOI LUT in the header leaves next to nothing to see: it was left out"
FOR_PROCESSING = "a For Processing image: rendered with a logarithmic curve and an automatic window"
CONTRADICTORY_POLARITY = "Presentation LUT Shape contradicts the Photometric Interpretation: the shape was followed"
UNUSABLE_MODALITY_LUT = "the Modality LUT in the header is unusable and was left out"


def gray_table(ds: Dataset, stored: StoredFrame) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    """The gray level of every word that can be stored (256 or 65,536 entries), and notes on what was assumed."""
    with np.errstate(over="ignore", invalid="ignore"):  # absurd slopes and windows
        shown, notes = gray_levels(ds, stored)
    return np.rint(np.nan_to_num(shown) * 65535).astype(np.uint16), notes


def gray_levels(ds: Dataset, stored: StoredFrame) -> tuple[Values, tuple[str, ...]]:
    """As `gray_table`, unrounded, 0 to 1."""
    padding, values, notes = _modality_values(ds, stored)
    counts = _counts(stored, padding)
    if is_for_processing(ds):
        shown = _automatic(_attenuation(ds, stored, values), counts)
        return np.where(padding, 0, shown), (*notes, FOR_PROCESSING)
    voi, voi_notes = _voi(ds, values, stored, counts)
    inverse, polarity_notes = _polarity(ds, stored)
    shown = 1 - voi if inverse else voi
    return np.where(padding, 0, shown), (*notes, *voi_notes, *polarity_notes)


def is_for_processing(ds: Dataset) -> bool:
    return word(ds, "SOPClassUID") == DIGITAL_X_RAY_FOR_PROCESSING or (
        word(ds, "PresentationIntentType") == "FOR PROCESSING"
    )


def _is_big_endian(ds: Dataset) -> bool:
    return bool(value(ds.file_meta, "TransferSyntaxUID") == ExplicitVRBigEndian)


def _modality_values(ds: Dataset, stored: StoredFrame) -> tuple[NDArray[np.bool_], Values, tuple[str, ...]]:
    """For every word: whether it is padding, and its value after the modality LUT; and notes."""
    stored_values = _stored_values(stored)
    padding = _padding(ds, stored, stored_values)
    values, notes = _modality(ds, stored_values, _is_big_endian(ds))
    return padding, values, notes


def _stored_values(stored: StoredFrame) -> NDArray[np.int64]:
    """The stored value in every word: Bits Stored bits below High Bit, the others (overlays) masked (PS3.5 8.1.1)."""
    bits = stored.layout.bits_stored
    words = np.arange(1 << stored.layout.bits_allocated, dtype=np.int64)
    values = (words >> stored.shift) & ((1 << bits) - 1)
    sign = values >> (bits - 1) if stored.layout.signed else 0
    return np.asarray(values - (sign << bits), dtype=np.int64)


def _padding(ds: Dataset, stored: StoredFrame, stored_values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which words are padding: Pixel Padding Value, up to Pixel Padding Range Limit (PS3.3 C.7.5.1.1.2)."""
    first = whole_number(ds, "PixelPaddingValue")
    if first is None:
        return np.zeros(stored_values.shape, dtype=bool)
    last = whole_number(ds, "PixelPaddingRangeLimit")
    ends = sorted(_as_stored(end, stored.layout.signed) for end in (first, first if last is None else last))
    return (stored_values >= ends[0]) & (stored_values <= ends[1])


def _as_stored(number: int, signed: bool) -> int:
    """Undo a VR that does not follow Pixel Representation: 63536 for -2000 and the reverse."""
    if signed:
        return number - 65536 if number >= 32768 else number
    return number & 0xFFFF


def _modality(ds: Dataset, values: NDArray[np.int64], big_endian: bool) -> tuple[Values, tuple[str, ...]]:
    """Modality LUT Sequence or Rescale Slope and Intercept (PS3.3 C.11.1)."""
    floats = values.astype(np.float64)
    notes: tuple[str, ...] = ()
    sequence = items(ds, "ModalityLUTSequence")
    if sequence:
        table = read_lookup_table(sequence[0], (float(floats.min()), float(floats.max())), big_endian)
        if table is not None:
            return table(floats), ()
        notes = (UNUSABLE_MODALITY_LUT,)
    slope, intercept = numbers(ds, "RescaleSlope"), numbers(ds, "RescaleIntercept")
    factor = slope[0] if slope and slope[0] != 0 else 1.0
    rescaled = floats * factor + (intercept[0] if intercept else 0.0)
    return (rescaled, notes) if np.isfinite(rescaled).all() else (floats, (*notes, UNUSABLE_MODALITY_LUT))


def _voi(ds: Dataset, values: Values, stored: StoredFrame, counts: Values) -> tuple[Values, tuple[str, ...]]:
    """The header's VOI where it shows something, else what an image without one gets."""
    stated, notes = header_voi(ds, values, _is_big_endian(ds))
    if stated is not None and shows_something(stated, counts):
        return stated, notes
    default, default_notes = _default_voi(ds, values, stored, counts)
    if stated is None:
        return default, (*notes, *default_notes)
    if not has_contrast(default, counts):
        return stated, notes
    return default, (*notes, BLANK_VOI, *default_notes)


def _default_voi(ds: Dataset, values: Values, stored: StoredFrame, counts: Values) -> tuple[Values, tuple[str, ...]]:
    low, high = float(values.min()), float(values.max())
    full_range = linear_exact(values, (low + high) / 2, high - low) if high > low else np.zeros_like(values)
    if stored.layout.bits_stored <= 8:
        return full_range, ()
    if word(ds, "PresentationLUTShape"):
        used_low, used_high = _percentiles(values, counts)
        if used_high - used_low >= (high - low) * USED_RANGE_MIN:
            return full_range, ()
    return _automatic(values, counts), (NO_WINDOW,)


def _automatic(values: Values, counts: Values) -> Values:
    low, high = _percentiles(values, counts)
    return linear_exact(values, (low + high) / 2, high - low) if high > low else np.zeros_like(values)


def _counts(stored: StoredFrame, padding: NDArray[np.bool_]) -> Values:
    """How many pixels hold each word; padding is not counted."""
    size = len(padding)
    counts = cv2.calcHist([stored.words], [0], None, [size], [0, size]).ravel().astype(np.float64)
    counts[padding] = 0
    return np.asarray(counts, dtype=np.float64)


def _percentiles(values: Values, counts: Values) -> tuple[float, float]:
    """The values at AUTOMATIC_WINDOW among the pixels that are no padding."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(counts[order])
    at = np.searchsorted(below, np.array(AUTOMATIC_WINDOW) * below[-1])
    low, high = values[order[np.minimum(at, len(values) - 1)]]
    return float(low), float(high)


def _attenuation(ds: Dataset, stored: StoredFrame, values: Values) -> Values:
    """Values that grow with what the beam has passed through."""
    sign = whole_number(ds, "PixelIntensityRelationshipSign")
    if sign is None:
        sign = 1 if stored.photometric == "MONOCHROME1" else -1
    intensity = values - values.min() if sign > 0 else values.max() - values
    proportional = word(ds, "PixelIntensityRelationship") == "LIN"
    return np.asarray(-np.log1p(intensity) if proportional else -intensity, dtype=np.float64)


def _polarity(ds: Dataset, stored: StoredFrame) -> tuple[bool, tuple[str, ...]]:
    inverse = stored.photometric == "MONOCHROME1"
    shape = word(ds, "PresentationLUTShape")
    if shape not in ("IDENTITY", "INVERSE"):
        return inverse, ()
    return shape == "INVERSE", () if inverse == (shape == "INVERSE") else (CONTRADICTORY_POLARITY,)
