"""The report as a page for a person: everything said, nothing from the report able to become markup."""

import base64

import pytest
from pydicom import Dataset

from converter.result.heatmap import to_png
from converter.result.sr_page import sr_to_html
from tests.support.dicom.sources import cr_japanese, dx_full, lateral
from tests.support.pages.page_checks import PageReader, problems_of
from tests.support.results.reports import a_heatmap, a_report, an_image


def _page(sr: Dataset, pictures: dict[str, str] | None = None) -> PageReader:
    page = sr_to_html(sr, pictures)
    assert problems_of(page) == []
    return PageReader(page)


def test_the_page_says_what_was_found_and_what_was_not_analysed() -> None:
    image = an_image(dx_full(), 0.9512, 0.0312, notes=("no window in the header",))
    text = _page(a_report([image], [lateral()])).text
    for part in (
        "Doe Jané", "PID-1, HOSPITAL-A", "Thorax p.-a. – Übersicht", "2026-11-01", "ACC-0001",
        "Pneumonia", "95.1 %", "PRESENT", "Opacity", "3.1 %", "ABSENT", "233604007 (SCT)",
        "operating threshold: 42.0 %", "pneumonia: temperature 1.31", "1.0.0+sha256.",
        "Not analysed [not-frontal]: View Position is LL", "no window in the header",
        "Research use only. Not for diagnosis.", "preliminary, unverified, research",
    ):  # fmt: skip
        assert part in text, part


def test_a_name_is_shown_in_all_its_writings() -> None:
    assert "Yamada Tarou (山田 太郎, やまだ たろう)" in _page(a_report([an_image(cr_japanese())])).text


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
    page = _page(a_report([image]), {sc.SOPInstanceUID: url})
    assert page.fetched == [url]


def test_a_picture_that_is_no_png_is_refused() -> None:
    with pytest.raises(ValueError, match=r"heat map 1\.2\.3"):
        sr_to_html(a_report([an_image(dx_full())]), {"1.2.3": "https://somewhere/x.png"})


def test_a_report_of_declined_images_only_has_a_page_too() -> None:
    text = _page(a_report([], [lateral()])).text
    assert "Images that were not analysed" in text and "Findings" not in text
