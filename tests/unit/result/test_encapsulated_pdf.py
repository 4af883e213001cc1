"""The kind `pdf`: an Encapsulated PDF that says what the Structured Report says, whatever else is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pypdf import PdfReader

from converter.result.encapsulated_pdf import document_in
from converter.result.encode import to_bytes
from converter.result.kinds import heatmap, pdf
from converter.result.kinds.content import BuiltResult, StudyContent
from tests.support.dicom.sources import STUDY, cr_japanese, cr_latin1, dx_full, lateral
from tests.support.results.documents import a_content, a_pdf


def _content(revision: int = 1, **options: Any) -> StudyContent:
    """Of a film with pneumonia, one without, and a lateral view."""
    made = a_content([dx_full(), cr_latin1(), lateral()])
    identity = replace(made.identity, revision=revision)
    return replace(made, identity=identity, options=replace(made.options, **options))


def _built(content: StudyContent, heatmaps: Sequence[BuiltResult] = ()) -> bytes:
    (one,) = pdf.build(content, {"heatmap": heatmaps})
    return to_bytes(one.ds)


def test_the_document_is_of_the_study_and_refers_to_every_image() -> None:
    ds = dcmread(BytesIO(_built(_content())))
    assert (ds.Modality, ds.MIMETypeOfEncapsulatedDocument, ds.BurnedInAnnotation) == ("DOC", "application/pdf", "YES")
    assert ds.DocumentTitle == "Pneumonia 95.0 % PRESENT, 2 of 3 films analysed"
    assert (ds.PatientName, ds.StudyInstanceUID) == ("Doe^Jané", STUDY)
    sources = [item.ReferencedSOPInstanceUID for item in ds.SourceInstanceSequence]
    assert sources == [one.sop_instance_uid for one in _content().images]
    pages = PdfReader(BytesIO(document_in(ds))).pages
    assert len(pages) == 1 and "it lies on its side" in pages[0].extract_text() and len(pages[0].images) == 2
    assert document_in(ds).rstrip().endswith(b"%%EOF")


def test_it_is_the_same_whatever_else_is_sent_and_in_whichever_class() -> None:
    alone = _built(_content())
    content = _content(heatmap_for="all")
    assert _built(content, heatmap.build(content, {})) == alone
    assert _built(_content(sr_class="comprehensive")) == alone


def test_a_heat_map_of_an_earlier_report_is_shown_though_its_pixels_are_not_at_hand() -> None:
    content = _content(revision=2)
    (first,) = heatmap.build(content, {})
    without = dcmread(BytesIO(to_bytes(first.ds)), stop_before_pixels=True)
    assert _built(content, [BuiltResult(without, first.source_instance_uid)]) == _built(content)


def test_another_revision_is_another_document_of_the_same_series() -> None:
    first, second = (dcmread(BytesIO(_built(_content(revision)))) for revision in (1, 2))
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert (first.InstanceNumber, second.InstanceNumber) == (1, 2)


def test_the_patients_character_set_is_kept() -> None:
    ds = dcmread(BytesIO(to_bytes(a_pdf([cr_japanese(), lateral()]))))
    assert str(ds.PatientName) == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    text = PdfReader(BytesIO(document_in(ds))).pages[0].extract_text()
    assert "山田太郎" in text.translate({0: None, ord(" "): None})
