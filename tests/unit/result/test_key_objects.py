"""Key objects are the films with a finding that is present, their heat maps and the report; else there are none."""

from __future__ import annotations

from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO

from converter.result.encode import to_bytes
from converter.result.kinds.content import ReportedImage
from tests.support.dicom.sources import cr_with_holes, dx_full, lateral
from tests.support.results.contents import a_content, analysed_film, declined_film, judged, results_of


def selections(*images: ReportedImage, without: tuple[str, ...] = (), revision: int = 1) -> list[Dataset]:
    built = results_of(a_content(images, revision=revision), without=without)["kos"]
    return [dcmread(DicomBytesIO(to_bytes(one.ds))) for one in built]


def referred(selection: Dataset) -> list[tuple[str, str]]:
    items = [item for item in selection.ContentSequence if "ReferencedSOPSequence" in item]
    return [(item.ValueType, str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)) for item in items]


def absent() -> ReportedImage:
    return analysed_film(cr_with_holes(), judged(cr_with_holes(), 0.1))


def test_a_study_without_a_positive_finding_has_no_key_objects() -> None:
    assert selections(absent(), declined_film(lateral())) == []
    assert selections(declined_film(lateral())) == []


def test_the_positive_film_its_heat_map_and_the_report_are_selected() -> None:
    images = (analysed_film(dx_full()), absent(), declined_film(lateral()))
    built = results_of(a_content(images))
    of_film = next(one.ds for one in built["heatmap"] if one.source_instance_uid == dx_full().SOPInstanceUID)
    (selection,) = selections(*images)
    assert referred(selection) == [
        ("IMAGE", dx_full().SOPInstanceUID),
        ("IMAGE", of_film.SOPInstanceUID),
        ("COMPOSITE", built["sr"][0].ds.SOPInstanceUID),
    ]
    assert selection.ConceptNameCodeSequence[0].CodeMeaning == "Of Interest"


def test_what_was_not_built_is_not_referred_to() -> None:
    (selection,) = selections(analysed_film(dx_full()), without=("heatmap", "sr"))
    assert referred(selection) == [("IMAGE", dx_full().SOPInstanceUID)]


def test_the_evidence_is_what_is_referred_to() -> None:
    (selection,) = selections(analysed_film(dx_full()), absent())
    (study,) = selection.CurrentRequestedProcedureEvidenceSequence
    evidence = [
        str(one.ReferencedSOPInstanceUID)
        for series in study.ReferencedSeriesSequence
        for one in series.ReferencedSOPSequence
    ]
    assert sorted(evidence) == sorted(uid for _, uid in referred(selection))


def test_the_text_says_what_is_present_and_that_it_is_research() -> None:
    (selection,) = selections(analysed_film(dx_full()), absent())
    (text,) = [item.TextValue for item in selection.ContentSequence if item.ValueType == "TEXT" and _described(item)]
    assert text == (
        "Pneumonia PRESENT 95.1 % on PA 1. Priority: raised. 2 of 2 films analysed. "
        "AI research use only, not for diagnosis."
    )


def test_a_second_run_makes_the_same_bytes_and_a_later_report_another_object_of_the_series() -> None:
    image = analysed_film(dx_full())
    (first,), (again,), (later,) = selections(image), selections(image), selections(image, revision=2)
    assert to_bytes(first) == to_bytes(again)
    assert first.SOPInstanceUID != later.SOPInstanceUID and first.SeriesInstanceUID == later.SeriesInstanceUID


def _described(item: Dataset) -> bool:
    return bool(item.ConceptNameCodeSequence[0].CodeValue == "113012")
