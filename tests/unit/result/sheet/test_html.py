"""The one-page report as HTML: the verdict first, everything said, nothing from the report able to become markup."""

import base64

import pytest
from pydicom import Dataset

from converter.result.film_names import film_names
from converter.result.heatmap import to_png
from converter.result.labels import LABELS
from converter.result.sheet.html import sr_to_html
from converter.words.catalogue import Words
from tests.support.dicom.sources import cr_japanese, dx_full, lateral
from tests.support.pages.page_checks import PageReader, problems_of
from tests.support.results.reports import a_heatmap, a_report, an_image


def _page(sr: Dataset, pictures: dict[str, str] | None = None, names: dict[str, str] | None = None) -> PageReader:
    page = sr_to_html(sr, pictures, names)
    assert problems_of(page) == []
    return PageReader(page)


def test_the_first_line_is_the_verdict_and_how_many_films_it_is_of() -> None:
    page = _page(a_report([an_image(dx_full(), 0.9512, 0.0312)], [lateral()]))
    words = " ".join(page.text.split())
    assert words.startswith("Pneumonia 95.1 % PRESENT 1 of 2 films analysed")
    assert page.title == "Pneumonia 95.1 % PRESENT, 1 of 2 films analysed"


def test_the_page_says_what_was_found_and_what_was_not_analysed() -> None:
    image = an_image(dx_full(), 0.9512, 0.0312, notes=("no window in the header",))
    text = _page(a_report([image], [lateral()])).text
    for part in (
        "Doe Jané", "PID-1, HOSPITAL-A", "Thorax p.-a. – Übersicht", "2026-11-01", "ACC-0001",
        "Opacity", "3.1 %", "ABSENT", "42.0 %", "pneumonia: temperature 1.31", "1.0.0 (sha256 0123456789ab…)",
        "not-frontal", "View Position is LL", "no window in the header", "preliminary",
        "Research use only. Not for diagnosis.", "Frontal chest radiographs of children and adults.",
    ):  # fmt: skip
        assert part in text, part


def test_films_have_the_names_that_people_give_them() -> None:
    sources = [dx_full(), lateral()]
    text = _page(a_report([an_image(sources[0])], sources[1:]), names=film_names(sources)).text
    assert "PA 1" in text and "lateral 10" in text


def test_a_name_is_shown_in_all_its_writings() -> None:
    text = " ".join(_page(a_report([an_image(cr_japanese())])).text.split())
    assert "Yamada Tarou 山田 太郎 やまだ たろう" in text


def test_nothing_in_the_report_becomes_markup() -> None:
    source = dx_full()
    source.StudyDescription = "<script>alert(1)</script>"
    source.PatientID = '"><img src=x onerror=alert(1)>'
    page = _page(a_report([an_image(source, notes=("<b>bold</b> & co",))]))
    assert {"script", "b"} & page.tags == set()
    assert not any("onerror" in element.attributes for element in page.elements)
    assert "<script>alert(1)</script>" in page.text and "<b>bold</b> & co" in page.text


def test_the_heat_map_is_embedded_and_nothing_is_fetched() -> None:
    image = an_image(dx_full())
    sc = a_heatmap(image)
    url = "data:image/png;base64," + base64.b64encode(to_png(sc.pixel_array)).decode()
    film = {str(image.source.SOPInstanceUID): "data:image/jpeg;base64,x"}
    assert _page(a_report([image]), {sc.SOPInstanceUID: url, **film}).fetched == [url]
    assert _page(a_report([image]), film).fetched == list(film.values())


def test_a_picture_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"picture of 1\.2\.3"):
        sr_to_html(a_report([an_image(dx_full())]), {"1.2.3": "https://somewhere/x.png"})


def test_a_report_of_declined_images_only_says_so_first_and_still_names_the_model() -> None:
    text = " ".join(_page(a_report([], [lateral()])).text.split())
    assert text.startswith("NOT ANALYSED 1 film, not analysed")
    assert "Pneumonia on chest radiographs" in text and "PRESENT" not in text and "Verdict" not in text


def test_its_labels_are_those_of_the_readers_language_and_the_reports_words_stay() -> None:
    words = Words("de", {label: f"«{label}»" for label in LABELS})
    page = sr_to_html(a_report([an_image(dx_full())], [lateral()]), say=words)
    assert problems_of(page) == [] and '<html lang="de">' in page
    text = PageReader(page).text
    assert "«PRESENT»" in text and "«1 of 2 films analysed»" in text and "View Position is LL" in text
