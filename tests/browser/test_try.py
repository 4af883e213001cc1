"""The page Try in a real browser: films of each format, hostile files, a batch and its CSV, and no JavaScript."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from scp_node.inference.packages import find_package
from scp_node.ledger.account_records import Role
from scp_node.settings.places import shipped_models_dir
from scp_node.web.access.cookies import NAME
from tests.browser.conftest import Visit
from tests.support.node.node import RunningNode
from tests.support.web.browser import NARROW, THEMES, WIDE, keep_screenshot, overflows, violations
from tests.support.web.pictures import encoded, hostile_files

pytestmark = pytest.mark.peer("chromium")
TIMEOUT_MS = 60_000
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "DICOM": "dcm"}


def written(folder: Path, files: dict[str, bytes]) -> list[Path]:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def films() -> dict[str, bytes]:
    return {f"{kind.lower()}.{suffix}": encoded(kind) for kind, suffix in SUFFIXES.items()}


def analyse(page: Page, paths: list[Path]) -> None:
    page.locator("#file").set_input_files(paths)
    page.get_by_role("button", name="Analyse").click()
    total = len(paths)
    expect(page.locator("#progress-words")).to_have_text(f"{total} of {total}", timeout=TIMEOUT_MS)


@pytest.mark.parametrize("kind", SUFFIXES)
def test_a_film_gets_a_card_with_finding_percentages_threshold_and_map(visit: Visit, tmp_path: Path, kind: str) -> None:
    page = visit("/try", role="viewer")
    analyse(page, written(tmp_path / "films", {f"film.{SUFFIXES[kind]}": encoded(kind)}))
    card = page.get_by_role("article")
    expect(card.get_by_role("heading")).to_have_text(f"film.{SUFFIXES[kind]}")
    expect(card.locator(".verdict")).to_have_text(re.compile(r"^(Potentially Pneumonia|Normal) \d+\.\d{4} %$"))
    cells = card.locator("tbody td").all_inner_texts()
    finding, *place = cells[0].splitlines()
    assert finding == "Pneumonia" and all(re.match("left|right|both", words) for words in place)
    (spec,) = find_package(shipped_models_dir(), "pneumonia").manifest.findings
    assert cells[3] == f"{100 * spec.operating_threshold:.2f} %"
    assert float(cells[1].split()[0]) + float(cells[2].split()[0]) == pytest.approx(100)
    expect(card.get_by_text("Research use only. Not a medical device.").last).to_be_visible()
    assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    card.get_by_text("JSON").click()
    expect(card.locator("pre")).to_contain_text('"prediction": "')


def test_hostile_files_are_refused_with_a_code_each_and_the_batch_goes_on(visit: Visit, tmp_path: Path) -> None:
    page = visit("/try", role="viewer")
    hostile = {f"{name.replace(' ', '-')}.dcm": content for name, content in hostile_files().items()}
    analyse(page, written(tmp_path / "films", hostile | {"film.png": encoded("PNG")}))
    refused = page.locator(".notice:visible code")
    assert len(refused.all_inner_texts()) == len(hostile)
    assert all(re.fullmatch(r"[a-z0-9-]+", code) for code in refused.all_inner_texts())
    expect(page.locator(".verdict:visible")).to_have_count(1)


def test_the_csv_of_a_batch_has_a_row_for_each_file_and_no_formula(visit: Visit, tmp_path: Path) -> None:
    page = visit("/try")
    files = films() | {'=HYPERLINK("x").png': encoded("PNG", 2), "<b>bold<b>.txt.dcm": b"no picture"}
    analyse(page, written(tmp_path / "films", files))
    expect(page.get_by_role("heading", name="<b>bold<b>.txt.dcm")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert [row["file"] for row in rows] == [
        *("png.png", "jpeg.jpg", "dicom.dcm", '\'=HYPERLINK("x").png', "<b>bold<b>.txt.dcm")
    ]
    assert all(re.fullmatch(r"\d+\.\d{4}", row["prediction_percent"]) for row in rows[:4])
    assert (rows[4]["declined_code"], rows[4]["result"]) == ("unreadable", "")


def test_a_folder_is_a_batch_and_what_is_no_picture_is_named_in_it(visit: Visit, tmp_path: Path) -> None:
    page = visit("/try")
    written(tmp_path / "films", films() | {"notes.xlsx": b"x", ".hidden.png": b"x", "DICOMDIR": b"x"})
    page.locator("#folder").set_input_files(tmp_path / "films")
    expect(page.locator("#progress-words")).to_have_text("6 of 6", timeout=TIMEOUT_MS)
    expect(page.locator(".verdict:visible")).to_have_count(3)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    refused = {row["file"].rpartition("/")[2]: row["declined_code"] for row in rows if not row["result"]}
    assert refused == dict.fromkeys(("notes.xlsx", ".hidden.png", "DICOMDIR"), "unreadable")

    in_batch = page.locator("article", has_text="notes.xlsx").inner_text()
    page.locator("#file").set_input_files(tmp_path / "films" / "notes.xlsx")
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("#progress-words")).to_have_text("1 of 1", timeout=TIMEOUT_MS)
    assert page.locator("#cards article").inner_text() == in_batch.replace("films/notes.xlsx", "notes.xlsx")


def test_a_model_that_is_not_installed_is_listed_with_the_command_that_makes_it(visit: Visit) -> None:
    page = visit("/try")
    page.get_by_text("Tuberculosis on frontal chest radiographs").click()
    expect(page.get_by_text("python -m training train config/training/seed-trio-tuberculosis.yaml")).to_be_visible()
    expect(page.get_by_text("it learns from the data of montgomery, shenzhen, tbx11k")).to_be_visible()


def test_without_javascript_a_form_sends_one_file(
    browser: Browser, node: RunningNode, sessions: dict[Role, str], tmp_path: Path
) -> None:
    address = f"http://127.0.0.1:{node.web_port}"
    context = browser.new_context(base_url=address, java_script_enabled=False)
    context.add_cookies([{"name": NAME, "value": sessions["viewer"], "url": address}])
    try:
        page = context.new_page()
        page.goto("/try")
        for name, content, shown in (("film.png", encoded("PNG"), ".verdict"), ("text.png", b"no", ".notice.bad")):
            (tmp_path / name).write_bytes(content)
            page.locator("#file").set_input_files(tmp_path / name)
            page.get_by_role("button", name="Analyse").click()
            expect(page.locator(f"article {shown}")).to_be_visible(timeout=TIMEOUT_MS)
    finally:
        context.close()


def test_the_page_with_results_has_no_serious_fault(visit: Visit, tmp_path: Path) -> None:
    paths = written(
        tmp_path / "films", films() | {"text.dcm": b"no", "lateral.dcm": hostile_files()["DICOM of a lateral view"]}
    )
    for size in (WIDE, NARROW):
        for theme in THEMES:
            page = visit("/try", size=size, theme=theme)
            analyse(page, paths)
            keep_screenshot(page, f"try-results-{theme}-{size[0]}")
            assert not violations(page)
            assert not overflows(page)
            page.context.close()
