"""A presentation state draws outlines and verdict in layers of their own, and leaves a film as its header shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO

from converter.result.encode import to_bytes
from converter.result.softcopy import softcopy_grayscale
from converter.result.source_attributes import Charset
from converter.words.catalogue import Language
from tests.support.dicom.sources import cr_japanese, cr_korean, cr_latin1, dx_full, lateral
from tests.support.results.contents import a_content, a_spot, analysed_film, declined_film, judged, results_of
from tests.support.results.contents import two_findings as two
from tests.support.results.reports import OPACITY


def states(*images: Any, **content: Any) -> list[Dataset]:
    """The presentation states of a study, as a reader of their files has them."""
    built = results_of(a_content(images, **content), without=("heatmap", "sr", "text_sr", "kos", "status"))["gsps"]
    return [dcmread(DicomBytesIO(to_bytes(one.ds))) for one in built]


def film(**attributes: Any) -> Dataset:
    source = dx_full()
    for keyword, value in attributes.items():
        setattr(source, keyword, value)
    return source


def a_table(first: int, entries: list[int]) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries), first, 12])
    item.add_new("LUTData", "OW", np.array(entries, "<u2").tobytes())
    return item


def test_only_films_with_an_outline_get_a_state() -> None:
    absent, unplaced = judged(dx_full(), 0.1), judged(dx_full(3), 0.9, regions=(), unplaced="flat-map")
    films = [analysed_film(dx_full(), absent), analysed_film(dx_full(3), unplaced), declined_film(lateral())]
    assert states(*films) == []
    (state,) = states(*films, analysed_film(dx_full(5)))
    (series,) = state.ReferencedSeriesSequence
    assert series.ReferencedImageSequence[0].ReferencedSOPInstanceUID == dx_full(5).SOPInstanceUID


def test_each_finding_has_a_layer_and_the_text_another() -> None:
    (state,) = states(analysed_film(dx_full(), *two(dx_full())))
    assert [layer.GraphicLayer for layer in state.GraphicLayerSequence] == ["AI TEXT", "AI 1 OPACITY", "AI 2 PNEUMONIA"]
    text, first, second = state.GraphicAnnotationSequence
    assert text.TextObjectSequence[0].UnformattedTextValue.split("\r\n") == [
        "Opacity PRESENT 90.0 %, right lung, lower zone; left lung, upper zone",
        "Pneumonia PRESENT 70.0 %, right lung, lower zone",
        "AI research use only, not for diagnosis",
    ]
    assert (len(first.GraphicObjectSequence), len(second.GraphicObjectSequence)) == (2, 1)


def first_line(state: Dataset) -> str:
    return str(state.GraphicAnnotationSequence[0].TextObjectSequence[0].UnformattedTextValue).split("\r\n")[0]


@pytest.mark.parametrize(
    ("source", "charset", "language", "line"),
    [
        (cr_japanese(), "source", "ja", "肺炎 あり 95.1 %, 右肺, 下肺野"),
        (cr_japanese(), "utf8", "ja", "肺炎 あり 95.1 %, 右肺, 下肺野"),
        (dx_full(), "utf8", "ja", "肺炎 あり 95.1 %, 右肺, 下肺野"),
        (cr_latin1(), "source", "de", "Pneumonie VORHANDEN 95.1 %, rechte Lunge, Unterfeld"),
        (cr_latin1(), "source", "ja", "Pneumonia PRESENT 95.1 %, right lung, lower zone"),
        (cr_korean(), "source", "ja", "Pneumonia PRESENT 95.1 %, right lung, lower zone"),
    ],
)
def test_the_text_is_in_the_language_of_the_site_where_the_character_set_has_its_letters(
    source: Dataset, charset: Charset, language: Language, line: str
) -> None:
    (state,) = states(analysed_film(source), charset=charset, language=language)
    assert first_line(state) == line


def test_outlines_are_closed_polylines_in_pixels_of_the_frame() -> None:
    spot = a_spot(dx_full())
    open_spot = type(spot)(spot.outline[:-1], spot.place)
    (state,) = states(analysed_film(dx_full(), judged(dx_full(), regions=(spot, open_spot))))
    for graphic in state.GraphicAnnotationSequence[1].GraphicObjectSequence:
        assert (graphic.GraphicType, graphic.GraphicAnnotationUnits) == ("POLYLINE", "PIXEL")
        points = np.array(graphic.GraphicData).reshape(-1, 2)
        np.testing.assert_allclose(points, spot.outline, atol=1e-3)
        assert graphic.NumberOfGraphicPoints == len(points) and (points[0] == points[-1]).all()


def test_the_text_is_clear_of_the_corners_and_of_the_lungs() -> None:
    """Viewers write into the corners; of the height of a film the last eighth is below the lungs."""
    (state,) = states(analysed_film(dx_full()))
    (box,) = state.GraphicAnnotationSequence[0].TextObjectSequence
    (left, top), (right, bottom) = box.BoundingBoxTopLeftHandCorner, box.BoundingBoxBottomRightHandCorner
    assert box.BoundingBoxAnnotationUnits == "DISPLAY"
    assert 0.15 < left < right < 0.85 and 0.875 < top < bottom < 1


def test_the_whole_frame_is_shown() -> None:
    (state,) = states(analysed_film(film(PixelSpacing=[0.2, 0.1], ImagerPixelSpacing=[0.2, 0.1])))
    (area,) = state.DisplayedAreaSelectionSequence
    assert (area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner) == ([1, 1], [448, 512])
    assert (area.PresentationSizeMode, area.PresentationPixelAspectRatio) == ("SCALE TO FIT", [20000, 10000])


@pytest.mark.parametrize(
    ("photometric", "shape", "expected"),
    [
        ("MONOCHROME2", None, "IDENTITY"),
        ("MONOCHROME1", None, "INVERSE"),
        ("MONOCHROME1", "IDENTITY", "IDENTITY"),
        ("MONOCHROME2", "INVERSE", "INVERSE"),
    ],
)
def test_the_polarity_is_that_of_the_film(photometric: str, shape: str | None, expected: str) -> None:
    stated = {"PresentationLUTShape": shape} if shape else {}
    shown = softcopy_grayscale(film(PhotometricInterpretation=photometric, **stated))
    assert shown is not None and shown.PresentationLUTShape == expected


def test_the_first_window_is_repeated_with_its_function() -> None:
    windows = film(WindowCenter=[1500, 900], WindowWidth=[1200, 300], VOILUTFunction="SIGMOID")
    shown = softcopy_grayscale(windows)
    assert shown is not None
    (item,) = shown.SoftcopyVOILUTSequence
    assert (item.WindowCenter, item.WindowWidth, item.VOILUTFunction) == (1500, 1200, "SIGMOID")


@pytest.mark.parametrize("width", [None, 0])
def test_without_a_usable_window_or_table_the_full_range_is_shown(width: int | None) -> None:
    shown = softcopy_grayscale(film(**({} if width is None else {"WindowCenter": 5, "WindowWidth": width})))
    assert shown is not None and "SoftcopyVOILUTSequence" not in shown


def test_the_modality_lut_is_repeated() -> None:
    shown = softcopy_grayscale(film(RescaleSlope=2, RescaleIntercept=-1024))
    assert shown is not None
    assert (shown.RescaleSlope, shown.RescaleIntercept, shown.RescaleType) == (2, -1024, "US")


@pytest.mark.parametrize("first", [0, -3, 700])
def test_a_voi_table_is_repeated_entry_by_entry(first: int) -> None:
    source = film(VOILUTSequence=[a_table(first, [0, 5, 2000, 4095])])
    shown = softcopy_grayscale(source)
    assert shown is not None
    (item,) = shown.SoftcopyVOILUTSequence[0].VOILUTSequence
    assert list(item.LUTDescriptor) == [4, first, 12]
    assert np.frombuffer(item.LUTData, "<u2").tolist() == [0, 5, 2000, 4095]


def test_a_film_whose_grayscale_cannot_be_repeated_gets_no_state() -> None:
    """Its table is larger than what is kept of a header, or it is no grayscale image."""
    without_data = a_table(0, [1, 2])
    del without_data.LUTData
    assert states(analysed_film(film(VOILUTSequence=[without_data]))) == []
    assert states(analysed_film(film(ModalityLUTSequence=[without_data]))) == []
    assert states(analysed_film(film(PhotometricInterpretation="RGB"))) == []


def test_a_second_run_makes_the_same_bytes_and_a_later_report_the_same_object() -> None:
    image = analysed_film(dx_full(), *two(dx_full()))
    first, again, later = states(image)[0], states(image)[0], states(image, revision=2)[0]
    assert to_bytes(first) == to_bytes(again) == to_bytes(later)


def test_layers_of_findings_with_long_or_equal_names_are_told_apart() -> None:
    named = OPACITY.model_copy(update={"meaning": "Opacité du poumon, étendue"})
    findings = [judged(dx_full(), 0.9 - number / 100, named) for number in range(2)]
    (state,) = states(analysed_film(dx_full(), *findings))
    names = [layer.GraphicLayer for layer in state.GraphicLayerSequence]
    assert names == ["AI TEXT", "AI 1 OPACITE DU", "AI 2 OPACITE DU"]


def test_one_film_without_patient_id_among_others_gets_none() -> None:
    nobody = dx_full(3)
    nobody.PatientID = ""
    assert len(states(analysed_film(dx_full()), analysed_film(nobody))) == 1
