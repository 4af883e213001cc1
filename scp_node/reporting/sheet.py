"""The one-page report, made of a Structured Report and of the films and heat maps that it shows: page, PDF and text for
whoever asks."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset

from converter.declined import Declined
from converter.errors import ConverterError
from converter.image.header import BROKEN_INPUT
from converter.package.network import InputSpec, Normalisation
from converter.page.markup import data_url
from converter.result.encapsulated_pdf import document_in
from converter.result.film_names import film_names
from converter.result.sheet.html import sr_to_html
from converter.result.sheet.pictures import SIDE_MAX, film_jpeg, heatmap_jpeg
from converter.result.sheet.reading import made_at, read_report
from converter.result.sheet.text import sheet_to_text
from converter.words.catalogue import ENGLISH, Say, Words
from scp_node.decode.pool import DecodePool
from scp_node.errors import HilumError, PictureFailed

log = logging.getLogger(__name__)
SheetForm = Literal["html", "pdf", "text"]
REPORT_BYTES_MAX = 16 * 1024**2
PICTURES_MAX = 16
# What goes wrong with a picture without the sheet going without its words.
LEFT_OUT: tuple[type[Exception], ...] = (*BROKEN_INPUT, ConverterError, HilumError)
# No model sees it: the rendering is what counts.
SPEC = InputSpec(height=32, width=32, layout="NCHW", normalisation=Normalisation(name="scale"), jpeg2000_reduced=True)


@dataclass(frozen=True)
class SheetFiles:
    """A Structured Report, or an Encapsulated PDF of one; the heat maps and films, by SOP Instance UID, that are still
    there."""

    report: Path
    heatmaps: Mapping[str, Path]
    films: Mapping[str, Path]


class FilmReader(Protocol):
    """Reads what strangers sent: in confined processes."""

    def header(self, path: Path) -> Dataset: ...

    def rendered(self, path: Path) -> NDArray[np.uint8]:
        """8-bit gray [rows, columns]. Raises PictureFailed or ConverterError where there is no picture."""


@dataclass(frozen=True)
class RenderedFilms:
    """Films as a pool of decoding processes renders them."""

    decoding: DecodePool
    pixels_max: int

    def header(self, path: Path) -> Dataset:
        return self.decoding.header(path)

    def rendered(self, path: Path) -> NDArray[np.uint8]:
        found = self.decoding.convert(path, SPEC, None, SIDE_MAX, self.pixels_max)
        if isinstance(found, Declined):
            raise PictureFailed(found.code, found.reason)
        return found.preview


def sheet_of(files: SheetFiles, form: SheetForm, films: FilmReader, say: Words = ENGLISH) -> bytes:
    """The sheet in one form. `say`: the language of its reader. A PDF that was sent as such is given as it was sent.

    Raises PictureFailed where the file of the report cannot be read, or is no report.
    """
    ds = _report(files.report)
    if "EncapsulatedDocument" in ds:
        if form != "pdf":
            raise PictureFailed("sent-as-pdf", "the report was sent as PDF only")
        return document_in(ds)
    names = _names(files.films, films, say)
    if form == "text":
        return sheet_to_text(read_report(ds, names), say).encode()
    pictures = dict(_pictures(ds, files, films))
    if form == "html":
        urls = {uid: data_url("jpeg", jpeg) for uid, jpeg in pictures.items()}
        return sr_to_html(ds, urls, names, say).encode()
    from converter.result.sheet.pdf import sheet_to_pdf  # it brings fonts that no other form needs

    try:
        moment = made_at(ds)
    except ValueError as error:
        raise PictureFailed("unreadable", f"the report does not say when it was made: {error}") from error
    return sheet_to_pdf(read_report(ds, names), pictures, moment, say)


def _report(path: Path) -> Dataset:
    try:
        if path.stat().st_size > REPORT_BYTES_MAX:
            raise PictureFailed("too-large", f"the report is larger than {REPORT_BYTES_MAX} bytes")
        return pydicom.dcmread(path)
    except OSError as error:
        raise PictureFailed("unreadable", f"the file of the report cannot be opened: {error.strerror}") from error
    except BROKEN_INPUT as error:
        raise PictureFailed("unreadable", "the file of the report is no DICOM object") from error


def _pictures(sr: Dataset, files: SheetFiles, films: FilmReader) -> Iterator[tuple[str, bytes]]:
    """Of each film its heat maps, or the film itself. A picture that cannot be made is left out: the sheet says the
    verdict without it."""
    for film in read_report(sr).films[:PICTURES_MAX]:
        shown = [uid for uid in film.heatmap_uids if uid in files.heatmaps]
        try:
            for uid in shown:
                yield uid, heatmap_jpeg(pydicom.dcmread(files.heatmaps[uid]))
            if not shown and film.uid in files.films:
                yield film.uid, film_jpeg(films.rendered(files.films[film.uid]))
        except LEFT_OUT as error:
            log.warning("picture of a report left out", extra={"sop_instance_uid": film.uid, "reason": str(error)})


def _names(paths: Mapping[str, Path], films: FilmReader, say: Say) -> dict[str, str]:
    """What the films are called, from their headers; of one that cannot be read, what the report calls it."""
    headers = []
    for path in paths.values():
        try:
            headers.append(films.header(path))
        except (OSError, ConverterError, HilumError):
            continue
    return film_names((header for header in headers if "SOPInstanceUID" in header), say)
