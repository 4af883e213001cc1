"""The grayscale pipeline again, pixel by pixel in float64 with pydicom's functions: slow, and built differently."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array


def stored_values(ds: Dataset, decoding_plugin: str = "") -> NDArray[Any]:
    """The first frame's stored values, decoded by pydicom's default or the named plug-in."""
    return pixel_array(ds, index=0, decoding_plugin=decoding_plugin)


def shown_by_pydicom(ds: Dataset, decoding_plugin: str = "") -> NDArray[np.float64]:
    """Stored values through modality LUT, first VOI and polarity, 0 to 1. `ds` must carry a VOI."""
    modality = apply_modality_lut(stored_values(ds, decoding_plugin), ds)
    if np.all(modality == np.rint(modality)):  # a VOI LUT wants whole numbers, whatever the rescale made of them
        modality = modality.astype(np.int64)
    voi = apply_voi_lut(modality, ds, index=0, prefer_lut=True).astype(np.float64)
    if ds.get("VOILUTSequence"):
        low, high = 0.0, 2.0 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1
    else:
        low, high = _output_range(ds)
    shown: NDArray[np.float64] = (voi - low) / (high - low)
    shape = ds.get("PresentationLUTShape", "")
    inverse = shape == "INVERSE" if shape else ds.PhotometricInterpretation == "MONOCHROME1"
    return 1 - shown if inverse else shown


def _output_range(ds: Dataset) -> tuple[float, float]:
    """pydicom maps a window to the range that stored values have after the modality LUT."""
    if ds.get("ModalityLUTSequence"):
        return 0.0, 2.0 ** ds.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    bits = ds.BitsStored
    low, high = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if ds.PixelRepresentation else (0.0, 2.0**bits - 1)
    slope, intercept = float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))
    return low * slope + intercept, high * slope + intercept
