"""A dead letter is found, understood and sent after all, by keyboard; names from outside show as text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from converter.phantom.radiograph import example_radiograph
from tests.browser.conftest import Visit
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode
from tests.support.peers.archives import Archive, scripted_archive
from tests.support.peers.modality import store
from tests.support.waiting import until
from tests.support.web.browser import NARROW, keep_screenshot, overflows, violations

pytestmark = pytest.mark.peer("chromium")
CANNOT_UNDERSTAND = 0xC000


class Answer:
    """What the archive answers from now on."""

    status = CANNOT_UNDERSTAND

    def __call__(self, _: object) -> int:
        return self.status


@pytest.fixture(scope="module")
def answer() -> Answer:
    return Answer()


@pytest.fixture(scope="module")
def archive(answer: Answer) -> Iterator[Archive]:
    with scripted_archive(answer) as one:
        yield one


@pytest.fixture(scope="module")
def archives(archive: Archive) -> dict[str, tuple[str, int]]:
    return {"archive": ("ARCHIVE", archive.port)}


def press_until_focused(page: Page, name: str, presses_max: int = 60) -> None:
    """Tab through the page until the control of this name has the focus."""
    wanted = page.get_by_role("button", name=name)
    for _ in range(presses_max):
        page.keyboard.press("Tab")
        if wanted.first.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"{name} cannot be reached by the keyboard")


def test_a_dead_letter_is_retried_by_keyboard_once_the_archive_is_mended(
    visit: Visit, node: RunningNode, archive: Archive, answer: Answer
) -> None:
    assert store(node.port, [example_radiograph()]) == [0]
    now = visit("/")
    expect(now.locator("[data-count=dead]")).to_have_text("2", timeout=60_000)
    now.get_by_role("link", name="2 jobs are given up").click()
    page = now
    cause = page.get_by_role("row").filter(has_text="it cannot understand the object")
    expect(cause.first).to_contain_text("mend it there")
    keep_screenshot(page, "work-dead-dark-1280")
    assert not violations(page)
    narrow = visit("/jobs", size=NARROW, theme="light")
    assert not overflows(narrow)
    keep_screenshot(narrow, "work-dead-light-390")
    page.get_by_role("link", name="delivery:1", exact=True).click()
    expect(page.get_by_text("it cannot understand the object").first).to_be_visible()
    keep_screenshot(page, "job-dead-dark-1280")
    assert not violations(page)

    answer.status = 0x0000
    page.goto("/jobs")
    press_until_focused(page, "Retry all")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Try 2 jobs again now that were given up for this reason?")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("2 jobs are tried again now.")
    expect(page.locator("#dead")).to_contain_text("No job is given up")
    page.goto("/")
    expect(page.locator("[data-count=delivered]")).to_have_text("2", timeout=60_000)
    expect(page.locator("[data-count=dead]")).to_have_text("0")
    assert "operator acted" in node.log()


def test_a_remote_ae_is_called_by_button_and_a_stranger_is_named_with_advice(visit: Visit, node: RunningNode) -> None:
    assert store(node.port, [make_dx(seed=8, rows=64, columns=64)], calling="<b>EVIL</b>") == [None]
    page = visit("/remote-aes/archive")
    page.get_by_role("button", name="Call it now (C-ECHO)").click()
    page.get_by_role("dialog").get_by_role("button", name="Call it now (C-ECHO)").click()
    expect(page.get_by_role("status")).to_contain_text("It answered well")
    expect(page.locator("#call")).to_contain_text("C-ECHO")
    expect(page.get_by_text("would take it").first).to_be_visible()
    keep_screenshot(page, "remote-ae-called-dark-1280")
    stranger = page.get_by_role("link", name="<b>EVIL</b>")
    until(lambda: page.goto("/remote-aes") and stranger.count(), "who called is entered", timeout_s=30)
    keep_screenshot(page, "remote-aes-stranger-dark-1280")
    stranger.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("<b>EVIL</b>")
    expect(page.get_by_text("No remote AE of the configuration has the AE title")).to_be_visible()
    assert page.locator("b").count() == 0
    keep_screenshot(page, "remote-ae-stranger-dark-1280")
    assert not violations(page)
