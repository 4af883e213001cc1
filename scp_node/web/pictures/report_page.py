"""A Structured Report of the spool as a page to read, or as the same page in PDF."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pydicom
from pydicom import Dataset

from converter.errors import ConverterError
from converter.image.header import BROKEN_INPUT
from converter.page.markup import data_url
from converter.result.encapsulated_pdf import document_in
from converter.result.film_names import film_names
from converter.result.sheet.html import sr_to_html
from converter.result.sheet.pictures import film_jpeg, heatmap_jpeg
from converter.result.sheet.reading import made_at, read_report
from converter.result.sheet.words import SheetWords
from scp_node.errors import HilumError, PictureFailed
from scp_node.storage.spool import Spool
from scp_node.web.pictures.films import rendered
from scp_node.web.pictures.workshop import Workshop

log = logging.getLogger(__name__)
REPORT_BYTES_MAX = 16 * 1024**2
PICTURES_MAX = 16
# What goes wrong with a picture without the page going without its words.
LEFT_OUT: tuple[type[Exception], ...] = (*BROKEN_INPUT, ConverterError, HilumError)
Made = tuple[dict[str, Any], list[bytes]]


def report_page(workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]) -> Made:
    """The report in the file `spool_name`, as one HTML page without script. `heatmaps`, `films`: files by SOP Instance
    UID; `words`, `lang`: labels in the language of the reader."""
    sr = _report(workshop, arguments["spool_name"])
    pictures = {uid: data_url("jpeg", jpeg) for uid, jpeg in _pictures(workshop, sr, arguments)}
    names = _names(workshop, arguments["films"])
    page = sr_to_html(sr, pictures, names, SheetWords(arguments["words"]), arguments["lang"])
    return {}, [page.encode()]


def report_pdf(workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]) -> Made:
    """The same report as PDF, in English; that which was sent, where the file is an Encapsulated PDF."""
    from converter.result.sheet.pdf import sheet_to_pdf  # it brings fonts and images that no other task needs

    ds = _report(workshop, arguments["spool_name"])
    if "EncapsulatedDocument" in ds:
        return {}, [document_in(ds)]
    sheet = read_report(ds, _names(workshop, arguments["films"]))
    try:
        moment = made_at(ds)
    except ValueError as error:
        raise PictureFailed("unreadable", f"the report does not say when it was made: {error}") from error
    return {}, [sheet_to_pdf(sheet, dict(_pictures(workshop, ds, arguments)), moment)]


def _report(workshop: Workshop, spool_name: str) -> Dataset:
    path = _path(workshop, spool_name)
    try:
        if path.stat().st_size > REPORT_BYTES_MAX:
            raise PictureFailed("too-large", f"the report is larger than {REPORT_BYTES_MAX} bytes")
        return pydicom.dcmread(path)
    except OSError as error:
        raise PictureFailed("unreadable", f"the file of the report cannot be opened: {error.strerror}") from error


def _pictures(workshop: Workshop, sr: Dataset, arguments: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Of each film its heat map, or the film itself. A picture that cannot be made is left out: the page says the
    verdict without it."""
    sheet = read_report(sr)
    heatmaps, films = arguments["heatmaps"], arguments["films"]
    for film in sheet.films[:PICTURES_MAX]:
        shown = [uid for uid in film.heatmap_uids if uid in heatmaps]
        try:
            for uid in shown:
                yield uid, heatmap_jpeg(pydicom.dcmread(_path(workshop, heatmaps[uid])))
            if not shown and film.uid in films:
                yield film.uid, film_jpeg(rendered(workshop, films[film.uid]).pixels)
        except LEFT_OUT as error:
            log.warning("picture of a report left out", extra={"sop_instance_uid": film.uid, "reason": str(error)})


def _names(workshop: Workshop, films: Mapping[str, str]) -> dict[str, str]:
    """What the films are called, from their headers; of one that cannot be read, what the report calls it."""
    headers = []
    for spool_name in films.values():
        try:
            headers.append(workshop.decoding.header(_path(workshop, spool_name)))
        except (OSError, ConverterError, HilumError):
            continue
    return film_names(header for header in headers if "SOPInstanceUID" in header)


def _path(workshop: Workshop, spool_name: str) -> Path:
    return Spool(workshop.settings.node.data_dir / "spool").path(spool_name)
