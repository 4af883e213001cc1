"""The fast path (one table of 65,536 entries) equals pydicom and highdicom computing pixel by pixel in float64.

Stated error: half a level of 65,535 from rounding the table, 7.7e-6 of the gray scale. highdicom may compute VOI LUTs
in float32, which adds 1e-6.
"""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import Dataset

from converter.image.image_file import read_image
from converter.image.pixels import render
from tests.support.cohorts.data import dicom_files
from tests.support.dicom.display_cases import DISPLAY_CASES, DisplayCase
from tests.support.dicom.phantoms import write_dx
from tests.support.dicom.reference import shown_by_pydicom

ROUNDING = 0.5 / 65535
VOI_FILES = {
    "RG1_J2KI.dcm",
    "RG1_JLSN.dcm",
    "gdcm-CR-MONO1-10-chest.dcm",
    "RG2_J2KI.dcm",
    "RG2_J2KR.dcm",
    "RG2_JLSL.dcm",
    "RG2_JLSN.dcm",
    "RG2_JPLL.dcm",
    "RG2_RLE.dcm",
    "GH133.dcm",
    "MG1_J2KI.dcm",
    "OutOfBoundsOverlay.dcm",
    "KarstenHilbertRF.dcm",
    "test16signed.dcm",
    "vlut_04.dcm",
}


@pytest.mark.data
@pytest.mark.parametrize("path", [p for p in dicom_files() if p.name in VOI_FILES], ids=lambda path: path.name)
def test_a_real_image_with_a_voi_equals_the_float64_reference(path: Path) -> None:
    ds = read_image(path)
    assert isinstance(ds, Dataset)

    image = render(ds)

    assert _largest_difference(image.pixels, shown_by_pydicom(ds)) <= ROUNDING + 1e-12


@pytest.mark.parametrize(
    "case", [case for case in DISPLAY_CASES if "pydicom" in case.peers], ids=lambda case: case.name
)
def test_a_feature_equals_the_float64_reference(case: DisplayCase, tmp_path: Path) -> None:
    ds = read_image(write_dx(tmp_path / "case.dcm", case.dataset()))
    assert isinstance(ds, Dataset)

    image = render(ds)

    assert _largest_difference(image.pixels, shown_by_pydicom(ds)) <= ROUNDING + 1e-12


@pytest.mark.parametrize(
    "case", [case for case in DISPLAY_CASES if "highdicom" in case.peers], ids=lambda case: case.name
)
def test_a_feature_equals_highdicom(case: DisplayCase, tmp_path: Path) -> None:
    path = write_dx(tmp_path / "case.dcm", case.dataset())
    ds = read_image(path)
    assert isinstance(ds, Dataset)

    image = render(ds)

    frame = highdicom.imread(path).get_frame(
        1, apply_voi_transform=True, voi_output_range=(0.0, 1.0), apply_presentation_lut=True, dtype=np.float64
    )
    assert _largest_difference(image.pixels, frame) <= ROUNDING + 1e-6


def _largest_difference(pixels: np.ndarray, shown: np.ndarray) -> float:
    return float(np.abs(pixels / 65535 - shown).max())
