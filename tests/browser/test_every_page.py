"""Every page of the console: readable by everybody, in both themes, on a desk and on a telephone."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.support.web.browser import NARROW, THEMES, WIDE, broken_words, keep_screenshot, overflows, violations

PAGES = (
    "/about",
    "/account",
    "/audit",
    "/",
    "/jobs",
    "/remote-aes",
    "/remote-aes/archive",
    "/handbook",
    "/handbook/codes-and-statuses",
    "/handbook/settings",
    "/handbook/when-it-fails",
    "/try",
    "/api/docs",
    "/configuration",
    "/models",
    "/models/pneumonia/2.0.0",
    "/models/pneumonia/2.0.0/report/baselines.md",
    "/studies",
)
# With its styles and scripts, without films. The page of the API brings its own reader, which is larger.
BYTES_MAX = 160_000  # the page of the configuration names every setting
GROUNDS = {"dark": "rgb(18, 23, 29)", "light": "rgb(244, 246, 248)"}
HEAVY = ("/api/docs",)
pytestmark = pytest.mark.peer("chromium")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_serious_fault_in_either_theme_and_fits_both_widths(visit: Visit, path: str) -> None:
    for size in (WIDE, NARROW):
        for theme in THEMES:
            page = visit(path, size=size, theme=theme)
            expect(page.locator("h1")).to_be_visible()
            keep_screenshot(page, f"{path.strip('/').replace('/', '-') or 'now'}-{theme}-{size[0]}")
            assert not violations(page)
            assert not overflows(page)
            assert not broken_words(page)
            assert "`" not in page.locator("main :not(pre, pre *, textarea)").evaluate_all(
                "(all) => all.flatMap((one) => [...one.childNodes]).filter((one) => one.nodeType === Node.TEXT_NODE)"
                ".map((one) => one.data).join(' ')"
            )
            page.context.close()


@pytest.mark.parametrize("path", [one for one in PAGES if one not in HEAVY])
def test_a_page_is_light(visit: Visit, path: str) -> None:
    page = visit(path)
    page.wait_for_load_state("load")
    sizes = """() => performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
      .map((one) => [one.name, one.decodedBodySize])"""
    found = {name: size for name, size in page.evaluate(sizes) if "/films/" not in name}
    assert len(found) > 2
    assert sum(found.values()) <= BYTES_MAX, found


def test_on_a_telephone_the_menu_opens_by_keyboard_and_takes_no_room_before(visit: Visit) -> None:
    page = visit("/studies", size=NARROW)
    header, link = page.get_by_role("banner"), page.get_by_role("link", name="Models")
    assert header.bounding_box()["height"] <= 60  # type: ignore[index]
    expect(link).to_be_hidden()
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    page.locator(".menu summary").press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    keep_screenshot(page, "menu-dark-390")
    assert not violations(page) and not overflows(page)
    link.press("Enter")
    expect(page.locator("h1")).to_have_text("Models")


@pytest.mark.parametrize("preferred", THEMES)
def test_the_system_says_which_theme_until_somebody_chooses(visit: Visit, preferred: Literal["dark", "light"]) -> None:
    page = visit("/about")
    page.context.clear_cookies(name="hilum_theme")
    page.emulate_media(color_scheme=preferred)
    page.reload()
    other = "light" if preferred == "dark" else "dark"
    assert _ground(page) == GROUNDS[preferred]
    page.get_by_role("button", name=other.capitalize(), exact=True).click()
    expect(page.get_by_role("button", name=preferred.capitalize(), exact=True)).to_be_visible()
    assert _ground(page) == GROUNDS[other]


@pytest.mark.parametrize(("path", "name"), [("console", "One study in the console"), ("when-it-fails", "The way of")])
def test_the_figures_of_the_handbook_are_shown(visit: Visit, path: str, name: str) -> None:
    figure = visit(f"/handbook/{path}").get_by_role("article").get_by_role("img", name=name)
    figure.scroll_into_view_if_needed()
    expect(figure).to_have_js_property("complete", True)
    assert figure.evaluate("(one) => one.naturalWidth") > 200


def test_the_page_of_a_model_begins_with_what_is_on_it(visit: Visit) -> None:
    page = visit("/models/pneumonia/2.0.0")
    contents = page.get_by_role("navigation", name="On this page").get_by_role("link")
    targets = [one.get_attribute("href") or "" for one in contents.all()]
    assert {"#drift", "#gate", "#card", "#limits"} <= set(targets)
    for target in targets:
        expect(page.locator(target)).to_have_count(1)


def _ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))
