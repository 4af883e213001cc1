"""Images are shown as DCMTK shows them: every real file at hand, and every feature of the pipeline.

Tolerance: dcm2pnm writes 16 bits and truncates where we round, so levels may differ by 1 of 65,535. Where dcm2pnm
spreads fewer bits by shifting (8 bits without a window, a 12-bit VOI LUT), it reaches 65,280 or 65,520 instead of
65,535: the difference stays below one level of that many bits (256 or 16). A fractional rescale is rounded by dcm2pnm
to the stored precision of 12 bits: two such levels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.pixels.processing import apply_modality_lut

from converter.image.grayscale import AUTOMATIC_WINDOW, NO_WINDOW
from converter.image.header import numbers
from converter.image.pixels import render
from tests.support.cohorts.data import dicom_files
from tests.support.dicom.display_cases import DISPLAY_CASES, DisplayCase
from tests.support.dicom.part10 import read_dicom
from tests.support.dicom.phantoms import write_dx
from tests.support.dicom.reference import stored_values
from tests.support.peers.dcm2pnm import shown_by_dcmtk, uncompressed

pytestmark = pytest.mark.peer("dcm2pnm")

# Nothing to compare: no pixel data, a header that lies, and a syntax that dcm2pnm cannot read and that
# test_pixels_decoders.py compares with dcmdjpeg.
NOT_COMPARABLE = {
    "Issue56-NoPixelData.dcm",
    "2026-05-26-oob-monochrome-46341.dcm",
    "RG2_JPLY.dcm",
    "RG3_JPLY.dcm",
}
# The second decoder of each syntax that dcm2pnm does not know itself.
SECOND_DECODER = {
    "1.2.840.10008.1.2.4.80": "gdcm",
    "1.2.840.10008.1.2.4.81": "gdcm",
    "1.2.840.10008.1.2.4.90": "gdcm",
    "1.2.840.10008.1.2.4.91": "gdcm",
    "1.2.840.10008.1.2.4.50": "gdcm",
    "1.2.840.10008.1.2.4.57": "gdcm",
    "1.2.840.10008.1.2.4.70": "gdcm",
    "1.2.840.10008.1.2.5": "pydicom",
}
# Two decoders of a lossy syntax may round differently: one gray level of the 8 bits of JPEG, one of J2K's 15 or less.
LOSSY_LEVELS = {"1.2.840.10008.1.2.4.50": 2 * 257, "1.2.840.10008.1.2.4.91": 64}
SHIFTED = 256


@pytest.mark.data
@pytest.mark.parametrize(
    "path", [path for path in dicom_files() if path.name not in NOT_COMPARABLE], ids=lambda path: path.name
)
def test_a_real_image_is_shown_as_dcmtk_shows_it(path: Path, tmp_path: Path) -> None:
    image = render(read_dicom(path))
    options = _options(path, image.notes)
    syntax = str(read_dicom(path).file_meta.TransferSyntaxUID)
    source = path
    if syntax in SECOND_DECODER:
        ds = read_dicom(path)
        source = uncompressed(ds, stored_values(ds, SECOND_DECODER[syntax]), tmp_path / "native.dcm")

    shown = shown_by_dcmtk(source, tmp_path, *options)

    if shown.ndim == 3:
        shown = np.rint(shown @ (0.299, 0.587, 0.114))
    difference = np.abs(shown.astype(np.int64) - image.pixels)
    exact = options[:1] in (["+Wi"], ["+Ww"])
    assert difference.max() <= LOSSY_LEVELS.get(syntax, 1 if exact else SHIFTED)


@pytest.mark.parametrize("case", [case for case in DISPLAY_CASES if "dcmtk" in case.peers], ids=lambda case: case.name)
def test_a_feature_is_shown_as_dcmtk_shows_it(case: DisplayCase, tmp_path: Path) -> None:
    path = write_dx(tmp_path / "case.dcm", case.dataset())

    image = render(read_dicom(path))

    shown = shown_by_dcmtk(path, tmp_path, *case.options)
    assert np.abs(shown.astype(np.int64) - image.pixels).max() <= case.tolerance


def _options(path: Path, notes: tuple[str, ...]) -> list[str]:
    """What tells dcm2pnm to use the same VOI."""
    ds = read_dicom(path)
    if NO_WINDOW in notes:
        table = ds.get("ModalityLUTSequence")
        values = stored_values(ds).astype(np.float64)
        if ds.get("RescaleSlope") is not None or (table and table[0].get("LUTDescriptor")):  # neither may be empty
            values = apply_modality_lut(stored_values(ds), ds).astype(np.float64)
        padding = values == ds.get("PixelPaddingValue")
        low, high = np.quantile(values[~padding], AUTOMATIC_WINDOW, method="inverted_cdf")
        # LINEAR with this centre and width runs exactly from low to high
        return ["+Ww", str(low + 0.5 + (high - low) / 2), str(high - low + 1)]
    if ds.get("VOILUTSequence"):
        return ["+Wl", "1"]
    return ["+Wi", "1"] if numbers(ds, "WindowCenter") else []
