"""The choices that the standard leaves open: padding, polarity, no window, For Processing, unusable tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import DigitalXRayImageStorageForProcessing

from converter.image.grayscale import (
    CONTRADICTORY_POLARITY,
    FOR_PROCESSING,
    NO_WINDOW,
    UNUSABLE_MODALITY_LUT,
)
from converter.image.pixels import FIRST_FRAME, render
from converter.image.voi import SEVERAL_TABLES, SEVERAL_WINDOWS, UNUSABLE_TABLE, UNUSABLE_WINDOW
from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.display_cases import NO_WINDOW as WITHOUT_WINDOW
from tests.support.dicom.display_cases import curve
from tests.support.dicom.phantoms import lut_item, make_dx

RAMP = np.tile(np.arange(0, 4096, 16, dtype=np.uint16), (4, 1))
NEITHER: dict[str, Any] = {**WITHOUT_WINDOW, "PresentationLUTShape": None}


def correlation(pixels: np.ndarray, shown: np.ndarray) -> float:
    return float(np.corrcoef(pixels.ravel(), shown.ravel())[0, 1])


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("first", "last", "dark"), [(0, None, 1), (4080, None, 1), (0, 32, 3), (32, 0, 3)])
def test_padding_is_black_whatever_the_polarity(photometric: str, first: int, last: int | None, dark: int) -> None:
    ds = make_dx(RAMP, photometric=photometric, PixelPaddingValue=first, PixelPaddingRangeLimit=last)
    unpadded = render(make_dx(RAMP, photometric=photometric)).pixels

    shown = render(ds).pixels

    padded = np.isin(RAMP, [0, 16, 32] if last is not None else [first])
    assert padded[0].sum() == dark
    assert (shown[padded] == 0).all()
    assert np.array_equal(shown[~padded], unpadded[~padded])


def test_padding_is_left_out_of_an_automatic_window() -> None:
    pixels = np.full((100, 100), 4000, np.uint16)
    pixels[:, 40:] = np.linspace(1000, 1200, 60).astype(np.uint16)

    shown = render(make_dx(pixels, **NEITHER, PixelPaddingValue=4000)).pixels

    assert (shown[:, :40] == 0).all()
    assert shown[:, 40].max() < 3000 and shown[:, -1].min() > 62000


@pytest.mark.parametrize("value", [63536, -2000])
def test_padding_of_a_signed_image_is_found_under_either_vr(value: int) -> None:
    pixels = np.array([[-2000, 0, 2000]], np.int16)
    ds = make_dx(pixels, signed=True, photometric="MONOCHROME1")
    ds.add_new("PixelPaddingValue", "SS" if value < 0 else "US", value)

    assert (render(ds).pixels[0] == 0).tolist() == [True, False, False]


def test_a_frame_of_padding_alone_is_black() -> None:
    shown = render(make_dx(np.full((8, 8), 77, np.uint16), **NEITHER, PixelPaddingValue=77)).pixels

    assert (shown == 0).all()


@pytest.mark.parametrize(
    ("photometric", "shape", "white_is_high", "contradiction"),
    [
        ("MONOCHROME2", None, True, False),
        ("MONOCHROME1", None, False, False),
        ("MONOCHROME2", "IDENTITY", True, False),
        ("MONOCHROME1", "INVERSE", False, False),
        ("MONOCHROME2", "INVERSE", False, True),
        ("MONOCHROME1", "IDENTITY", True, True),
        ("MONOCHROME1", "LIN OD", False, False),
    ],
)
def test_presentation_lut_shape_wins_over_photometric_interpretation(
    photometric: str, shape: str | None, white_is_high: bool, contradiction: bool
) -> None:
    image = render(make_dx(RAMP, photometric=photometric, PresentationLUTShape=shape))

    assert (image.pixels[0, -1] > image.pixels[0, 0]) == white_is_high
    assert (CONTRADICTORY_POLARITY in image.notes) == contradiction


def test_eight_bits_without_window_are_shown_over_the_full_range() -> None:
    pixels = np.array([[50, 51, 200]], np.uint8)

    image = render(make_dx(pixels, bits_allocated=8, bits_stored=8, **NEITHER))

    assert image.pixels.tolist() == [[50 * 257, 51 * 257, 200 * 257]]
    assert image.notes == ()


def test_p_values_without_window_are_shown_over_the_full_range() -> None:
    image = render(make_dx(RAMP, **WITHOUT_WINDOW))

    assert np.array_equal(image.pixels, np.rint(RAMP * (65535 / 4095)))
    assert image.notes == ()


@pytest.mark.parametrize(
    "attributes", [NEITHER, {**WITHOUT_WINDOW, "bits_stored": 16}], ids=["undeclared", "P-Values in a corner"]
)
def test_deep_images_without_window_get_an_automatic_one(attributes: dict[str, Any]) -> None:
    pixels = np.rint(1000 + 300 * sketch_chest(200, 160)).astype(np.uint16)

    image = render(make_dx(pixels, **attributes))

    pixels = pixels.astype(np.float64)
    low, high = np.percentile(pixels, (0.5, 99.5), method="inverted_cdf")
    assert np.abs(image.pixels - np.clip((pixels - low) / (high - low), 0, 1) * 65535).max() <= 0.5 + 1e-6
    assert NO_WINDOW in image.notes


@pytest.mark.parametrize(
    "window", [(2000, 0), (2000, 0.5), (2000, -5), ("nan", 100), (None, 100), (2000, None)], ids=str
)
def test_an_unusable_window_is_left_out_and_noted(window: tuple[Any, Any]) -> None:
    image = render(make_dx(RAMP, WindowCenter=window[0], WindowWidth=window[1]))

    assert np.array_equal(image.pixels, render(make_dx(RAMP, **WITHOUT_WINDOW)).pixels)
    missing_number = window[0] == "nan" or None in window
    assert UNUSABLE_WINDOW in image.notes or missing_number


def test_several_windows_and_tables_are_noted() -> None:
    windows = make_dx(RAMP, WindowCenter=[2000, 100], WindowWidth=[300, 100])
    tables = make_dx(RAMP, VOILUTSequence=[lut_item(curve(bits=16)), lut_item(curve(bits=16)[::-1])])

    assert SEVERAL_WINDOWS in render(windows).notes
    assert SEVERAL_TABLES in render(tables).notes
    assert render(tables).pixels[0, -1] > 60000


def test_a_voi_lut_is_preferred_to_a_window() -> None:
    table = lut_item(np.array([0, 65535], np.uint16), first_mapped=1000)

    shown = render(make_dx(RAMP, VOILUTSequence=[table])).pixels

    assert set(np.unique(shown)) == {0, 65535}


def test_unusable_tables_are_left_out_and_noted() -> None:
    short = lut_item(curve())
    short.LUTData = short.LUTData[:100]
    undescribed = lut_item(curve())
    del undescribed.LUTDescriptor

    image = render(make_dx(RAMP, VOILUTSequence=[short], ModalityLUTSequence=[undescribed]))

    assert {UNUSABLE_TABLE, UNUSABLE_MODALITY_LUT} <= set(image.notes)
    assert np.array_equal(image.pixels, render(make_dx(RAMP)).pixels)


def test_a_table_that_exceeds_its_declared_bits_is_not_clipped() -> None:
    honest = render(make_dx(RAMP, VOILUTSequence=[lut_item(curve(bits=14), bits=14)]))

    lying = render(make_dx(RAMP, VOILUTSequence=[lut_item(curve(bits=14), bits=10)]))

    assert np.array_equal(honest.pixels, lying.pixels)


def test_a_negative_first_value_written_unsigned_is_understood() -> None:
    table = lut_item(curve(bits=16))
    table.LUTDescriptor = [4096, 65536 - 2048, 16]
    pixels = RAMP.astype(np.int16) - 2048

    shown = render(make_dx(pixels, signed=True, VOILUTSequence=[table])).pixels

    assert np.array_equal(shown, render(make_dx(RAMP, VOILUTSequence=[lut_item(curve(bits=16))])).pixels)


def test_an_absurd_slope_is_left_out() -> None:
    image = render(make_dx(RAMP, RescaleSlope="1e308", RescaleIntercept="1e308"))

    assert UNUSABLE_MODALITY_LUT in image.notes
    assert np.array_equal(image.pixels, render(make_dx(RAMP)).pixels)


@pytest.mark.parametrize("relationship", ["LIN", "LOG", None])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_for_processing_images_show_dense_parts_white(relationship: str | None, sign: int, photometric: str) -> None:
    """The sign decides, whatever the photometric interpretation says."""
    attenuation = sketch_chest(200, 160)
    beam = np.exp(-3 * attenuation) if relationship == "LIN" else 1 - attenuation
    stored = np.rint(4095 * (beam if sign > 0 else 1 - beam)).astype(np.uint16)

    image = render(
        make_dx(
            stored,
            sop_class=DigitalXRayImageStorageForProcessing,
            PresentationIntentType="FOR PROCESSING",
            photometric=photometric,
            PixelIntensityRelationship=relationship,
            PixelIntensityRelationshipSign=sign,
        )
    )

    assert correlation(image.pixels, attenuation) > 0.97
    assert FOR_PROCESSING in image.notes
    assert np.mean(image.pixels == 0) < 0.05 and np.mean(image.pixels == 65535) < 0.05


@pytest.mark.parametrize(("photometric", "sign"), [("MONOCHROME1", 1), ("MONOCHROME2", -1)])
def test_for_processing_without_sign_follows_the_photometric_interpretation(photometric: str, sign: int) -> None:
    def shown(sign: int | None) -> NDArray[np.uint16]:
        attributes: dict[str, Any] = {
            "PresentationIntentType": "FOR PROCESSING",
            "PixelIntensityRelationshipSign": sign,
        }
        return render(make_dx(photometric=photometric, rows=200, columns=160, **attributes)).pixels

    assert np.array_equal(shown(None), shown(sign))


def test_the_first_of_several_frames_is_shown_and_noted() -> None:
    frames = np.stack([RAMP, RAMP[:, ::-1], np.zeros_like(RAMP)])

    image = render(make_dx(frames))

    assert np.array_equal(image.pixels, render(make_dx(RAMP)).pixels)
    assert FIRST_FRAME in image.notes
    assert np.array_equal(render(make_dx(frames), frame=1).pixels, image.pixels[:, ::-1])
