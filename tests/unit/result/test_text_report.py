"""The report in sentences says what the report of measurements says, in text that the oldest viewer shows."""

from __future__ import annotations

from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.uid import BasicTextSRStorage, Comprehensive3DSRStorage

from converter.result.content_items import children, descendants
from converter.result.encode import to_bytes
from converter.result.kinds.content import ReportedImage
from tests.support.dicom.sources import cr_japanese, dx_full, lateral
from tests.support.results.contents import a_content, analysed_film, declined_film, judged, results_of

OTHERS = ("heatmap", "status", "gsps", "sr", "kos")
Predecessors = tuple[tuple[str, str, str], ...]


def report(*images: ReportedImage, revision: int = 1, predecessors: Predecessors = ()) -> Dataset:
    content = a_content(images, revision=revision, predecessors=predecessors)
    (built,) = results_of(content, without=OTHERS)["text_sr"]
    return dcmread(DicomBytesIO(to_bytes(built.ds)))


def sentences(ds: Dataset) -> dict[str, list[str]]:
    """By heading, what stands below it."""
    return {
        str(part.ConceptNameCodeSequence[0].CodeMeaning): [str(item.TextValue) for item in children(part)]
        for part in children(ds)
        if part.ValueType == "CONTAINER"
    }


def test_the_verdict_comes_first_then_the_films_then_the_limits() -> None:
    told = sentences(report(analysed_film(dx_full(), notes=("no age",)), declined_film(lateral())))
    assert list(told) == ["Impressions", "Findings", "Conclusions"]
    assert told["Impressions"] == [
        "Pneumonia PRESENT 95.1 % on PA 1. Priority: raised. 1 of 2 films analysed, "
        "not analysed: lateral 10 (the view is lateral or oblique)."
    ]
    assert told["Findings"] == [
        "PA 1: Pneumonia PRESENT 95.1 % (operating threshold 42.0 %), right lung, lower zone. Note: no age.",
        "lateral 10: not analysed [not-frontal]: View Position is LL.",
    ]
    assert told["Conclusions"][-1].startswith("Research use only. Not for diagnosis.")


def test_each_sentence_on_a_film_refers_to_it() -> None:
    ds = report(analysed_film(dx_full()), declined_film(lateral()))
    (findings,) = [part for part in children(ds) if part.get("ValueType") == "CONTAINER" and _is_findings(part)]
    named = [str(children(item)[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID) for item in children(findings)]
    assert named == [dx_full().SOPInstanceUID, lateral().SOPInstanceUID]


def test_it_holds_neither_number_nor_coordinate() -> None:
    """Basic Text SR knows neither (PS3.3 A.35.1.3.1)."""
    ds = report(analysed_film(dx_full()), declined_film(lateral()))
    assert ds.SOPClassUID == BasicTextSRStorage
    assert {item.ValueType for item in descendants(ds)} == {"CODE", "CONTAINER", "IMAGE", "TEXT", "UIDREF"}


def test_a_study_without_an_analysed_film_has_one_too() -> None:
    told = sentences(report(declined_film(lateral())))
    assert told["Impressions"] == [
        "No verdict. Priority: unchanged. 1 film, not analysed: lateral 10 (the view is lateral or oblique)."
    ]


def test_a_later_one_supersedes_the_one_in_its_own_class() -> None:
    image = analysed_film(dx_full(), judged(dx_full(), 0.1))
    predecessors = ((str(Comprehensive3DSRStorage), "2.25.7", "2.25.8"), (str(BasicTextSRStorage), "2.25.9", "2.25.10"))
    later = report(image, revision=2, predecessors=predecessors)
    (study,) = later.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    assert [one.ReferencedSOPInstanceUID for one in series.ReferencedSOPSequence] == ["2.25.9"]
    assert report(image).SeriesInstanceUID == later.SeriesInstanceUID


def test_a_second_run_makes_the_same_bytes_and_keeps_a_japanese_name() -> None:
    first, again = report(analysed_film(cr_japanese())), report(analysed_film(cr_japanese()))
    assert to_bytes(first) == to_bytes(again)
    assert str(first.PatientName).split("=")[1] == "山田^太郎"


def _is_findings(part: Dataset) -> bool:
    return bool(part.ConceptNameCodeSequence[0].CodeMeaning == "Findings")
