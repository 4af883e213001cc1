"""A spreadsheet is read as text; what is none, or far too large, is told."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.cohorts.made_cohorts import spreadsheet
from training.data.cohorts import WrongLayout
from training.data.cohorts.spreadsheet import BYTES_MAX, read_rows

SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def test_rows_are_named_by_the_first_one_and_empty_cells_are_left_out(tmp_path: Path) -> None:
    file = spreadsheet(tmp_path / "a.xlsx", [("FILE NAME", "URL"), ("COVID-1", "https://a?b&c"), ("COVID-2", "")])
    assert read_rows(file) == [{"FILE NAME": "COVID-1", "URL": "https://a?b&c"}, {"FILE NAME": "COVID-2"}]


def test_numbers_and_text_inside_a_cell_are_read(tmp_path: Path) -> None:
    first = '<row><c r="A1" t="inlineStr"><is><t>n</t></is></c></row>'
    rows = first + '<row><c r="A2"><v>7</v></c><c r="B2"><v>8</v></c></row>'
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet {SPACE}><sheetData>{rows}</sheetData></worksheet>")
    assert read_rows(tmp_path / "a.xlsx") == [{"n": "7"}]


def test_a_file_that_is_no_spreadsheet_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("FILE NAME,URL")
    with pytest.raises(WrongLayout, match=r"a\.xlsx: expected a spreadsheet"):
        read_rows(tmp_path / "a.xlsx")


def test_a_damaged_spreadsheet_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet {SPACE}><sheetData></sheetData></worksheet>" * 20)
    whole = (tmp_path / "a.xlsx").read_bytes()
    start = whole.index(b"sheet1.xml") + len(b"sheet1.xml")
    (tmp_path / "a.xlsx").write_bytes(whole[:start] + b"\xff" * 20 + whole[start + 20 :])
    with pytest.raises(WrongLayout, match=r"a\.xlsx: expected a spreadsheet"):
        read_rows(tmp_path / "a.xlsx")


def test_a_sheet_beyond_the_limit_is_not_inflated(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (BYTES_MAX + 1))
    with pytest.raises(WrongLayout, match=f"more than {BYTES_MAX} bytes"):
        read_rows(tmp_path / "a.xlsx")


def test_a_spreadsheet_written_by_another_program_is_read(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["FILE NAME", "SIZE"], ["Normal-1", 299]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert read_rows(tmp_path / "a.xlsx") == [{"FILE NAME": "Normal-1", "SIZE": "299"}]
