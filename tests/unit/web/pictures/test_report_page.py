"""A report of the spool becomes a page and a document, with the pictures that are still there."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pypdf import PdfReader

from converter.result.encapsulated_pdf import document_in
from converter.result.encode import to_bytes
from converter.result.findings import AnalysedImage
from scp_node.errors import PictureFailed
from scp_node.settings import Settings
from scp_node.storage.spool import Spool
from scp_node.web.pictures.desk import PictureDesk
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.dicom.sources import dx_full, lateral
from tests.support.pages.page_checks import PageReader, problems_of
from tests.support.results.documents import a_pdf
from tests.support.results.reports import a_finding, a_heatmap, a_report
from tests.support.web.contexts import DOCUMENT

REPORT, HEATMAP, FILM = ("a" * 64, "b" * 64, "c" * 64)


class Desk:
    """A desk over a spool with a report on a film, its heat map and the film."""

    def __init__(self, folder: Path, probability: float = 0.95) -> None:
        node = {"ae_title": "HILUM", "data_dir": str(folder)}
        self.settings = Settings.model_validate({**DOCUMENT, "node": node})
        self.desk, self.spool = PictureDesk(lambda: self.settings), Spool(folder / "spool")
        film = make_dx(rows=300, columns=260)
        write_dx(self.path(FILM), film)
        image = AnalysedImage(film, (a_finding(film, probability),))
        heatmap, self.film_uid = a_heatmap(image), str(film.SOPInstanceUID)
        self.put(HEATMAP, heatmap)
        self.put(REPORT, a_report([image]))
        self.arguments: dict[str, Any] = {
            "spool_name": REPORT,
            "heatmaps": {str(heatmap.SOPInstanceUID): HEATMAP},
            "films": {self.film_uid: FILM},
            "language": "de",
            "form": "html",
        }

    def path(self, name: str) -> Path:
        path = self.spool.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, name: str, ds: Dataset) -> None:
        self.path(name).write_bytes(to_bytes(ds))

    def made(self, task: str, **others: Any) -> bytes:
        _, (made,) = self.desk.ask("films", task, self.arguments | others)
        return made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.desk.close()


def test_page_and_document_show_the_film_by_its_name_with_its_map(desk: Desk) -> None:
    page = desk.made("report").decode()
    assert problems_of(page) == []
    read = PageReader(page)
    assert "VORHANDEN" in read.text and len(read.fetched) == 1
    (sheet,) = PdfReader(BytesIO(desk.made("report", form="pdf"))).pages
    assert "VORHANDEN" in sheet.extract_text() and len(sheet.images) == 1
    assert "PA 1" in read.text and "PA 1" in sheet.extract_text()


def test_a_film_is_shown_itself_where_its_map_is_gone(desk: Desk) -> None:
    with_map = desk.made("report")
    without = desk.made("report", heatmaps={})
    assert len(PageReader(without.decode()).fetched) == 1 and without != with_map


@pytest.mark.parametrize("lost", ["removed", "damaged"])
def test_pictures_that_cannot_be_made_are_left_out(desk: Desk, lost: str) -> None:
    for name in (HEATMAP, FILM):
        if lost == "removed":
            desk.path(name).unlink()
        else:
            desk.path(name).write_bytes(b"no DICOM")
    page = PageReader(desk.made("report").decode())
    assert page.fetched == [] and "95.0 %" in page.text
    assert "95.0 %" in PdfReader(BytesIO(desk.made("report", form="pdf"))).pages[0].extract_text()


def test_an_encapsulated_pdf_is_shown_as_it_was_sent(desk: Desk) -> None:
    sent = a_pdf([dx_full(), lateral()])
    desk.put(REPORT, sent)
    assert desk.made("report", form="pdf") == document_in(sent)


@pytest.mark.parametrize("form", ["html", "pdf"])
def test_a_report_that_is_gone_is_said_to_be_unreadable(desk: Desk, form: str) -> None:
    desk.path(REPORT).unlink()
    with pytest.raises(PictureFailed) as failed:
        desk.made("report", form=form)
    assert failed.value.reason_code == "unreadable"


def test_a_report_that_does_not_say_when_it_was_made_is_no_document(desk: Desk) -> None:
    ds = a_report([AnalysedImage(dx_full(), (a_finding(dx_full()),))])
    ds.ContentDate = ""
    desk.put(REPORT, ds)
    with pytest.raises(PictureFailed, match="does not say when it was made"):
        desk.made("report", form="pdf")
