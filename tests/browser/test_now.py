"""The page Now moves by itself while studies pass, and says what is wrong when something is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode
from tests.support.peers.modality import store
from tests.support.peers.orthanc import Orthanc, running_orthanc
from tests.support.web.browser import NARROW, keep_screenshot

pytestmark = pytest.mark.peer("chromium", "Orthanc")
STUDIES = 20


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as one:
        yield one


@pytest.fixture(scope="module")
def archives(archive: Orthanc) -> dict[str, tuple[str, int]]:
    return {"archive": ("ORTHANC", archive.dicom_port)}


def number(page: Page, name: str) -> int:
    return int(page.locator(f"[data-count={name}]").inner_text().replace(",", ""))


def test_the_page_counts_on_while_twenty_studies_pass(visit: Visit, node: RunningNode) -> None:
    page = visit("/")
    page.evaluate("window.isTheSamePage = true")
    before = number(page, "received")
    assert store(node.port, [make_dx(seed=seed, rows=300, columns=280) for seed in range(STUDIES)]) == [0] * STUDIES
    for name, count in (("received", STUDIES), ("inferred", STUDIES), ("delivered", 2 * STUDIES)):
        expect(page.locator(f"[data-count={name}]")).to_have_text(str(before + count), timeout=60_000)
        expect(page.locator(f"[data-count={name}-week]")).to_have_text(str(before + count))
    expect(page.locator("[data-count=latency]")).to_have_text(str(STUDIES))
    expect(page.locator("#received-chart-desc")).to_contain_text(f"{STUDIES} in 24 hours")
    expect(page.locator(".notice.good")).to_be_visible()
    expect(page.get_by_role("row", name="archive").get_by_text("answers")).to_be_visible()
    assert page.evaluate("window.isTheSamePage"), "the page was not loaded again"
    keep_screenshot(page, "now-with-studies-dark-1280")
    for theme, size in (("light", (1280, 900)), ("dark", NARROW)):
        keep_screenshot(visit("/", theme=theme, size=size), f"now-with-studies-{theme}-{size[0]}")


def test_an_archive_that_goes_away_is_an_alarm_with_what_to_do(
    visit: Visit, node: RunningNode, archive: Orthanc
) -> None:
    page = visit("/")
    archive.stop()
    try:
        assert store(node.port, [make_dx(seed=99, rows=300, columns=280)]) == [0]
        alarm = page.locator(".notice.bad").filter(has_text="archive (ORTHANC")
        expect(alarm).to_contain_text("nothing listens on that port", timeout=60_000)
        expect(alarm).to_contain_text("Call it with C-ECHO")
        keep_screenshot(page, "now-archive-away-dark-1280")
        alarm.get_by_role("link").click()
        expect(page).to_have_url(f"http://127.0.0.1:{node.web_port}/remote-aes/archive")
    finally:
        archive.start()
