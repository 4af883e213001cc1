"""Radiographs with every feature of the grayscale pipeline: what is stored, and how dcm2pnm is told to show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.phantoms import lut_item, make_dx

NO_WINDOW: dict[str, Any] = {"WindowCenter": None, "WindowWidth": None}
SMALL: dict[str, Any] = {"rows": 160, "columns": 136}


@dataclass(frozen=True)
class DisplayCase:
    """`options`: dcm2pnm's options that ask for what the header says. `tolerance` towards it: see test_pixels_dcmtk.

    `peers`: who implements the feature. pydicom reads neither a High Bit other than Bits Stored - 1 nor LUTs of 12 bits
    after one another; highdicom reads no big endian, does not mask unused bits, folds a slope into the window without
    the half level of LINEAR, and stretches a VOI LUT that does not begin at 0.
    """

    name: str
    attributes: dict[str, Any]
    options: tuple[str, ...] = ("+Wi", "1")
    peers: tuple[str, ...] = ("dcmtk", "pydicom", "highdicom")
    tolerance: int = 1
    pixels: NDArray[Any] | None = field(default=None, repr=False)

    def dataset(self) -> Dataset:
        return make_dx(self.pixels, **SMALL, **self.attributes)


def curve(count: int = 4096, bits: int = 12) -> NDArray[np.uint16]:
    """An S-shaped VOI LUT as makers of radiography systems store it."""
    ramp = np.linspace(-4, 4, count)
    entries: NDArray[np.uint16] = np.rint((2**bits - 1) / (1 + np.exp(-ramp))).astype(np.uint16)
    return entries


def with_overlay_bits() -> NDArray[np.uint16]:
    """12-bit pixels whose unused four bits carry an overlay and rubbish."""
    stored = np.rint(sketch_chest(160, 136) * 4095).astype(np.uint16)
    overlay = np.random.default_rng(5).integers(0, 16, stored.shape, dtype=np.uint16)
    return stored | overlay << np.uint16(12)


DISPLAY_CASES = (
    DisplayCase("12 bit MONOCHROME2", {}),
    DisplayCase("14 bit MONOCHROME2", {"bits_stored": 14, "WindowCenter": 7000, "WindowWidth": 9000}),
    DisplayCase("15 bit MONOCHROME1", {"bits_stored": 15, "photometric": "MONOCHROME1"}),
    DisplayCase("16 bit MONOCHROME2", {"bits_stored": 16, "WindowCenter": 30000, "WindowWidth": 40000}),
    DisplayCase("8 bit", {"bits_stored": 8, "bits_allocated": 8, "WindowCenter": 120, "WindowWidth": 200}),
    DisplayCase("signed", {"signed": True, "WindowCenter": -100, "WindowWidth": 3000}),
    DisplayCase("signed MONOCHROME1", {"signed": True, "photometric": "MONOCHROME1"}),
    DisplayCase(
        "rescaled",
        {"RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 2000, "WindowWidth": 5000},
        peers=("dcmtk", "pydicom"),
    ),
    DisplayCase(
        "rescaled, fractional",
        {"RescaleSlope": "0.25", "RescaleIntercept": "-100.5", "WindowCenter": 400, "WindowWidth": 2400},
        peers=("dcmtk", "pydicom"),
        tolerance=64,
    ),
    DisplayCase("narrow window", {"WindowCenter": 2000, "WindowWidth": 1200}),
    DisplayCase("wide window", {"WindowCenter": 2000, "WindowWidth": 9000}),
    DisplayCase("several windows", {"WindowCenter": [2000, 900], "WindowWidth": [1500, 100]}),
    DisplayCase("big endian", {"transfer_syntax": ExplicitVRBigEndian}, peers=("dcmtk", "pydicom")),
    DisplayCase("implicit", {"transfer_syntax": ImplicitVRLittleEndian, "signed": True}),
    DisplayCase("SIGMOID", {"VOILUTFunction": "SIGMOID", "WindowWidth": 2000}, tolerance=2),
    DisplayCase(
        "LINEAR_EXACT", {"VOILUTFunction": "LINEAR_EXACT", "WindowWidth": 1000}, peers=("pydicom", "highdicom")
    ),
    DisplayCase("overlay in unused bits", {}, pixels=with_overlay_bits(), peers=("dcmtk", "pydicom")),
    DisplayCase(
        "left-justified",
        {"HighBit": 15},
        pixels=np.rint(sketch_chest(160, 136) * 4095).astype(np.uint16) << 4,
        peers=("dcmtk",),
    ),
    DisplayCase("INVERSE shape", {"PresentationLUTShape": "INVERSE"}),
    DisplayCase("IDENTITY shape of MONOCHROME1", {"photometric": "MONOCHROME1", "PresentationLUTShape": "IDENTITY"}),
    DisplayCase("no shape", {"photometric": "MONOCHROME1", "PresentationLUTShape": None}),
    DisplayCase("P-Values without window", {**NO_WINDOW}, options=(), tolerance=16, peers=("dcmtk", "pydicom")),
    DisplayCase(
        "VOI LUT",
        {**NO_WINDOW, "VOILUTSequence": [lut_item(curve(), bits=12)]},
        options=("+Wl", "1"),
        tolerance=16,
        peers=("dcmtk", "pydicom"),
    ),
    DisplayCase(
        "VOI LUT, 16 bit",
        {"VOILUTSequence": [lut_item(curve(bits=16))]},
        options=("+Wl", "1"),
        peers=("dcmtk", "pydicom"),
    ),
    DisplayCase(
        "VOI LUT, implicit",
        {"VOILUTSequence": [lut_item(curve(bits=16))], "transfer_syntax": ImplicitVRLittleEndian},
        options=("+Wl", "1"),
        peers=("dcmtk", "pydicom"),
    ),
    DisplayCase(
        "VOI LUT from a negative value",
        {"signed": True, "VOILUTSequence": [lut_item(curve(bits=16), first_mapped=-2048)]},
        options=("+Wl", "1"),
        peers=("dcmtk", "pydicom"),
    ),
    DisplayCase(
        "VOI LUT over part of the range",
        {"photometric": "MONOCHROME1", "VOILUTSequence": [lut_item(curve(1000, 16), first_mapped=1500)]},
        options=("+Wl", "1"),
        peers=("dcmtk", "pydicom"),
    ),
    DisplayCase(
        "Modality LUT",
        {
            "RescaleSlope": None,
            "RescaleIntercept": None,
            "RescaleType": None,
            "ModalityLUTSequence": [lut_item(curve(bits=16))],
            "WindowCenter": 30000,
            "WindowWidth": 50000,
        },
    ),
    DisplayCase(
        "Modality LUT then VOI LUT",
        {
            "RescaleSlope": None,
            "RescaleIntercept": None,
            "RescaleType": None,
            "ModalityLUTSequence": [lut_item(curve(bits=12), bits=12)],
            "VOILUTSequence": [lut_item(curve(bits=16)[::-1])],
        },
        options=("+Wl", "1"),
        peers=("dcmtk",),
    ),
)
