"""Reads the first sheet of an .xlsx file (ECMA-376, SpreadsheetML) as text: enough for published lists."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from training.data.cohorts.cohort import WrongLayout

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
# The largest published list has about 10,000 rows in 1 MB of XML.
BYTES_MAX = 64 * 1024 * 1024
# A file that cannot be opened, a damaged or encrypted archive, a sheet that is none.
BROKEN: tuple[type[Exception], ...] = (
    OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, LookupError, ValueError, ElementTree.ParseError,
)  # fmt: skip


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows below the first one, which names the columns; empty cells are left out."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            shared = [_text(item) for item in _parse(archive, STRINGS)] if STRINGS in names else []
            rows = [dict(_cells(row, shared)) for row in _parse(archive, SHEET).iter(f"{MAIN}row")]
    except BROKEN as error:
        raise WrongLayout(f"{file}: expected a spreadsheet (.xlsx), found a file that is none: {error}") from error
    header = rows[0] if rows else {}
    return [{header[column]: text for column, text in row.items() if column in header} for row in rows[1:] if row]


def _parse(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if archive.getinfo(name).file_size > BYTES_MAX:
        raise ValueError(f"{name} has more than {BYTES_MAX} bytes")
    return ElementTree.fromstring(archive.read(name))


def _cells(row: ElementTree.Element, shared: list[str]) -> Iterator[tuple[str, str]]:
    """(letters of the column, text) of every cell that holds something."""
    for cell in row.iter(f"{MAIN}c"):
        column = re.sub(r"\d", "", cell.get("r", ""))
        stored = cell.find(f"{MAIN}v")
        if cell.get("t") == "inlineStr":
            yield column, _text(cell)
        elif stored is not None and stored.text:
            yield column, shared[int(stored.text)] if cell.get("t") == "s" else stored.text


def _text(element: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in element.iter(f"{MAIN}t"))
