"""The one-page report as PDF: read back, one page for two films, the same bytes, and no empty boxes for names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import pytest
from pydicom import Dataset
from pypdf import PdfReader

from converter.page.typefaces import can_show, shown, shown_names
from converter.result.film_names import film_names
from converter.result.findings import AnalysedImage
from converter.result.sheet.pdf import sheet_to_pdf
from converter.result.sheet.reading import read_report
from converter.words.catalogue import LANGUAGES, Language, words_in
from tests.support.dicom.sources import cr_japanese, cr_korean, dx_full, lateral
from tests.support.results.reports import CREATED_AT, a_report, an_image


def _pdf(images: Sequence[AnalysedImage], declined: Sequence[Dataset] = ()) -> bytes:
    sheet = read_report(a_report(images, declined), film_names([*(one.source for one in images), *declined]))
    return sheet_to_pdf(sheet, {film.uid: _film(90 + at) for at, film in enumerate(sheet.films)}, CREATED_AT)


def _film(gray: int) -> bytes:
    return cv2.imencode(".jpg", np.full((700, 600), gray, np.uint8))[1].tobytes()


def _text(pdf: bytes) -> str:
    """What is written in it; the reader puts zeros between characters of codes of two bytes."""
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    return " ".join(text.replace("\0", "").split())


def test_verdict_films_refusals_and_model_are_read_back() -> None:
    text = _text(_pdf([an_image(dx_full(), 0.9512, 0.0312, notes=("no window",))], [lateral()]))
    assert text.startswith("Pneumonia 95.1 % PRESENT 1 of 2 films analysed")
    for part in ("Doe Jané", "PID-1, HOSPITAL-A", "Übersicht", "PA 1", "3.1 %", "ABSENT", "lateral 10",
                 "View Position is LL [not-frontal]", "no window", "temperature 1.31",
                 "Research use only."):  # fmt: skip
        assert part in text, part


@pytest.mark.parametrize("findings", [1, 2])
def test_a_study_of_two_films_is_one_a4_page(findings: int) -> None:
    probabilities = (0.95, 0.03)[:findings]
    images = [an_image(dx_full(number), *probabilities, notes=("no window in the header",)) for number in (1, 11)]
    (page,) = PdfReader(BytesIO(_pdf(images))).pages
    assert (round(float(page.mediabox.width)), round(float(page.mediabox.height))) == (595, 842)
    assert len(page.images) == 2


def test_a_table_that_is_longer_than_a_page_goes_on_on_the_next_one() -> None:
    image = an_image(dx_full())
    concept = image.findings[0].concept
    names = [f"Finding number {number}" for number in range(90)]
    findings = tuple(
        replace(image.findings[0], name=name, concept=concept.model_copy(update={"meaning": name, "value": name}))
        for name in names
    )
    images = [replace(image, findings=findings), an_image(dx_full(11), 0.1)]
    pages = PdfReader(BytesIO(_pdf(images))).pages
    assert len(pages) > 1
    text = " ".join(page.extract_text() for page in pages)
    assert all(f"{name}\n" in text or f"{name} " in text for name in names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_is_broken_or_missing_in_any_language(language: Language) -> None:
    say = words_in(language)
    for films, refused in (([an_image(dx_full(1), 0.9), an_image(dx_full(3), 0.1)], [lateral()]), ([], [lateral()])):
        sheet = read_report(a_report(films, refused))
        lines = _text(sheet_to_pdf(sheet, {}, CREATED_AT, say))
        told = ("PRESENT", "Probability", "Present from") if films else ("NOT ANALYSED", "1 film, not analysed")
        for label in (*told, "Model and limits"):
            assert all(word in lines for word in say(label).split()), label


def test_the_same_report_makes_the_same_bytes() -> None:
    first, second = (_pdf([an_image(dx_full())]) for _ in range(2))
    assert first == second
    assert _pdf([an_image(dx_full(11))]) != first
    reader = PdfReader(BytesIO(first))
    assert reader.xmp_metadata is not None
    assert reader.xmp_metadata.xmp_create_date == CREATED_AT.replace(microsecond=0, tzinfo=None)


def test_it_declares_pdf_a_and_embeds_every_font() -> None:
    reader = PdfReader(BytesIO(_pdf([an_image(cr_japanese())])))
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()  # type: ignore[index]
    assert 'pdfaid:part="2"' in metadata and 'pdfaid:conformance="B"' in metadata
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]  # type: ignore[index]
    assert len(fonts) == 3
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(descriptor)


def test_a_japanese_name_is_shown_in_each_of_its_writings() -> None:
    text = _text(_pdf([an_image(cr_japanese())])).replace(" ", "")
    assert "YamadaTarou(山田太郎,やまだたろう)" in text and "胸部単純撮影" in text


def test_a_writing_that_no_font_has_is_left_out_and_the_document_says_so() -> None:
    text = _text(_pdf([an_image(cr_korean())]))
    assert "HongGildong(洪吉洞)" in text.replace(" ", "") and "in the writings that the fonts of this" in text
    assert "홍" not in text


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("Doe Jane",), ("Doe Jane", False)),
        (("Żółć Łukasz",), ("Żółć Łukasz", False)),
        (("Hong Gildong", "홍 길동"), ("Hong Gildong", True)),
        (("홍 길동",), ("? ??", True)),
        ((), ("–", False)),
    ],
)
def test_a_name_is_told_in_what_the_fonts_have(names: tuple[str, ...], told: tuple[str, bool]) -> None:
    assert shown_names(names) == told


def test_what_has_no_glyph_is_a_question_mark() -> None:
    assert not can_show("سلام") and shown("Ab\tسل 山") == "Ab ?? 山"
