"""CT and MR slices go to models that were made for them, and to no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ComputedRadiographyImageStorage, CTImageStorage, MRImageStorage, SecondaryCaptureImageStorage

from converter.declined import Declined
from converter.image.convert import Converted, convert
from converter.image.eligibility import check_header
from converter.image.sop_classes import CT_IMAGE, MR_IMAGE, SECONDARY_CAPTURE, STORAGE_CLASSES, storage_classes
from converter.package.intended_use import AgeRange, IntendedUse
from converter.package.network import InputSpec, Normalisation
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.dicom.slices import make_mr

SPEC = InputSpec(height=64, width=64, layout="NCHW", normalisation=Normalisation(name="scale"))


def use(*modalities: str, body_parts: tuple[str, ...] = ("BRAIN", "HEAD")) -> IntendedUse:
    ages = AgeRange(min_years=0, max_years=120)
    return IntendedUse(modalities=modalities, body_parts=body_parts, views=(), ages=ages, statement="tests")


CHEST = use("CR", "DX", body_parts=("CHEST",))


def code(ds: Any, of: IntendedUse) -> str | None:
    verdict = check_header(ds, of)
    return verdict.code if isinstance(verdict, Declined) else None


def test_classes_follow_the_modalities() -> None:
    assert storage_classes(["CR", "DX"]) == STORAGE_CLASSES
    assert set(storage_classes(["MR"])) == {SECONDARY_CAPTURE, MR_IMAGE}
    assert set(storage_classes(["DX", "CT"])) == {*STORAGE_CLASSES, CT_IMAGE}


@pytest.mark.parametrize("part", ["BRAIN", "HEAD", "SKULL", "Kopf", "TETE"])
def test_a_slice_of_the_head_is_taken_and_nobody_asks_for_its_view(part: str) -> None:
    assert check_header(make_mr(BodyPartExamined=part), use("MR")) == ()


@pytest.mark.parametrize("part", ["HEADNECK", "CHEST", "CSPINE", "ABDOMEN"])
def test_a_slice_of_another_part_is_not(part: str) -> None:
    assert code(make_mr(BodyPartExamined=part), use("MR")) == "wrong-body-part"


def test_a_chest_model_declines_slices_whatever_their_header_says() -> None:
    assert code(make_mr(), CHEST) == "wrong-modality"
    assert code(make_mr(BodyPartExamined="CHEST"), CHEST) == "wrong-modality"
    assert code(make_mr(Modality="", BodyPartExamined="CHEST"), CHEST) == "wrong-modality"
    assert code(make_mr(Modality="DX", BodyPartExamined="CHEST"), CHEST) == "wrong-modality"


def test_a_brain_model_declines_radiographs_and_slices_of_the_other_kind() -> None:
    skull: dict[str, Any] = {"BodyPartExamined": "SKULL"}
    assert code(make_dx(rows=64, columns=64, **skull), use("MR")) == "wrong-modality"
    assert code(make_dx(rows=64, columns=64, Modality="", **skull), use("MR")) == "wrong-modality"
    plate = make_dx(rows=64, columns=64, sop_class=ComputedRadiographyImageStorage, Modality="MR", **skull)
    assert code(plate, use("MR")) == "wrong-modality"
    assert code(make_mr(), use("CT")) == "wrong-modality"
    assert code(make_mr(Modality="MR", SOPClassUID=CTImageStorage), use("MR")) == "wrong-modality"
    assert code(make_mr(SOPClassUID=SecondaryCaptureImageStorage), use("MR")) is None


def test_a_scout_and_a_reformatted_slice_are_declined() -> None:
    assert code(make_mr(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), use("MR")) == "localizer"
    assert code(make_mr(ImageType=["DERIVED", "SECONDARY", "MPR"]), use("MR")) == "derived"


def test_a_slice_is_rendered_by_its_rescale_and_window_and_not_turned(tmp_path: Path) -> None:
    ds = make_mr()
    converted = convert(write_dx(tmp_path / "slice.dcm", ds), SPEC, use("MR"), 512, 10**7)
    assert isinstance(converted, Converted) and converted.notes == () and ds.SOPClassUID == MRImageStorage
    values = ds.pixel_array.astype(np.float64) + 200
    shown = np.clip((values - 599.5) / 1199 + 0.5, 0, 1) * 255
    assert np.abs(converted.preview - shown).max() <= 1
    assert converted.preview_to_source.tolist() == [[1, 0, 0], [0, 1, 0]]


def test_a_ct_slice_is_shown_in_hounsfield_units_with_its_padding_black(tmp_path: Path) -> None:
    units = {"RescaleIntercept": -1024, "RescaleSlope": 1, "WindowCenter": 300, "WindowWidth": 1600}
    ds = make_mr(Modality="CT", SOPClassUID=CTImageStorage, PixelPaddingValue=-2000, **units)
    stored = np.clip(ds.pixel_array.astype(np.int32) + 900, -1024, 3000).astype(np.int16)
    stored[:20] = -2000
    ds.PixelData = stored.tobytes()
    converted = convert(write_dx(tmp_path / "slice.dcm", ds), SPEC, use("CT"), 512, 10**7)
    assert isinstance(converted, Converted)
    shown = np.clip((stored - 1024.0 - 299.5) / 1599 + 0.5, 0, 1) * 255
    shown[:20] = 0
    assert np.abs(converted.preview - shown).max() <= 1 and converted.preview[20:].max() > 200
