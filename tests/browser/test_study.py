"""The page of one study in a browser, on a node with Orthanc: film and map, keys and sliders, results, and acts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, Route, expect
from pydicom import Dataset

from converter.phantom.radiograph import example_radiograph
from tests.browser.conftest import Visit
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode
from tests.support.peers.modality import store
from tests.support.peers.orthanc import Orthanc, running_orthanc
from tests.support.waiting import until
from tests.support.web.browser import NARROW, THEMES, WIDE, keep_screenshot, overflows, violations

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.peer("Orthanc")]
# What the canvas shows, thinned out: equal numbers are equal pictures.
PIXELS = """() => {
  const canvas = document.querySelector(".stage canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let red = 0, blue = 0, sum = 0;
  for (let place = 0; place < data.length; place += 4) {
    red += data[place]; blue += data[place + 2]; sum = (31 * sum + data[place] + (place % 8191)) % 1000003;
  }
  return [red - blue, red, sum];
}"""


@dataclass(frozen=True)
class Site:
    node: RunningNode
    archive: Orthanc
    study: Dataset


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A study with a positive film, a lateral one that was declined, and its results in the archive."""
    folder = tmp_path_factory.mktemp("site")
    with running_orthanc(folder / "orthanc") as archive:
        node = RunningNode(folder / "node", {"archive": ("ORTHANC", archive.dicom_port)})
        try:
            node.start()
            film = example_radiograph()
            lateral = make_dx(rows=300, columns=260, seed=2, ViewPosition="LL")
            for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "PatientBirthDate", "AccessionNumber"):
                setattr(lateral, keyword, film.get(keyword))
            assert store(node.port, [film, lateral]) == [0x0000, 0x0000]
            archive.wait_for_instances(2)
            yield Site(node, archive, film)
        finally:
            node.stop()


@pytest.fixture(scope="module")
def node(site: Site) -> RunningNode:
    return site.node


@pytest.fixture
def page(visit: Visit, site: Site) -> Page:
    return with_map(visit(address(site)))


def address(site: Site) -> str:
    return f"/studies/{site.study.StudyInstanceUID}"


def with_map(page: Page) -> Page:
    expect(page.locator(".viewer")).to_have_attribute("data-state", "map", timeout=30_000)
    settled(page)
    return page


def settled(page: Page) -> list[int]:
    """The pixels, once they are drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    pixels: list[int] = page.evaluate(PIXELS)
    return pixels


def slide(page: Page, control: str, value: int) -> None:
    page.locator(f'[data-control="{control}"]').fill(str(value))


def test_the_opacity_slider_takes_the_map_away_and_brings_it_back(page: Page) -> None:
    page.get_by_role("button", name="Region").click()
    shown = settled(page)
    assert shown[0] > 0, "a map is redder than it is blue"
    slide(page, "opacity", 0)
    gray = settled(page)
    assert gray[0] == 0, "a film without its map is gray"
    slide(page, "opacity", 50)
    assert 0 < settled(page)[0] < shown[0]
    slide(page, "opacity", 100)
    assert settled(page) == shown


@pytest.mark.parametrize("control", ["centre", "width"])
def test_the_window_sliders_change_the_film(page: Page, control: str) -> None:
    before = settled(page)
    slide(page, control, 60)
    assert settled(page) != before
    page.get_by_role("button", name="Reset").click()
    assert settled(page) == before


@pytest.mark.parametrize("key", ["+", "o", "w", "W", "c", "C", "i", "r"])
def test_a_key_changes_what_is_seen_and_zero_resets_it(page: Page, key: str) -> None:
    before = settled(page)
    page.locator(".stage").focus()
    page.keyboard.press(key)
    assert settled(page) != before
    page.keyboard.press("0")
    assert settled(page) == before


def test_arrow_keys_move_the_film_and_do_not_scroll_the_page(page: Page) -> None:
    page.locator(".stage").focus()
    seen = [settled(page)]
    for key in ("ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
        seen.append(settled(page))
    assert len({str(one) for one in seen}) == 3 and page.evaluate("scrollY") == 0
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert settled(page) == seen[0]


def test_mouse_and_wheel_move_and_zoom(page: Page) -> None:
    before = settled(page)
    box = page.locator(".stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 240, steps=3)
    page.mouse.up()
    moved = settled(page)
    page.mouse.wheel(0, -100)
    assert before != moved != settled(page)


def test_another_film_of_the_study_is_shown(page: Page) -> None:
    before = settled(page)
    page.get_by_role("group", name="Films").get_by_role("button", name="2").click()
    expect(page.locator('[data-film][aria-pressed="true"]')).to_have_text("2")
    until(lambda: settled(page) != before and settled(page)[1] > 0)
    expect(page.locator('[data-control="map"] option')).to_have_count(1)


def test_the_page_does_not_wait_for_the_film_and_nothing_moves_when_it_comes(visit: Visit, site: Site) -> None:
    page = visit("/about")
    held: list[Route] = []
    page.route("**/films/**", lambda route: held.append(route))
    page.goto(address(site))
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    before = page.locator("#progress").bounding_box()
    until(lambda: page.evaluate("1") and held)
    page.route("**/films/**", lambda route: route.continue_())  # the last one that is told comes first
    for route in held:
        route.continue_()
    with_map(page)
    assert page.locator("#progress").bounding_box() == before


def test_findings_story_and_results_are_there(page: Page, site: Site) -> None:
    for said in ("Pneumonia", "present", "threshold", "not-frontal", "View Position", "Analysed by the model"):
        expect(page.locator("main")).to_contain_text(said)
    expect(page.get_by_text("stored [status 0x0000]").first).to_be_visible()
    expect(page.locator(".patient")).to_contain_text(str(site.study.PatientID))


def test_the_report_opens_as_a_page_without_script(page: Page) -> None:
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Structured Report").first.click()
    expect(opened.value.locator("h2").first).to_be_visible()


def test_a_study_is_reported_anew_after_a_question(page: Page, site: Site) -> None:
    before = len(site.archive.instances())
    page.get_by_role("button", name="Report anew").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("predecessor")
    dialog.get_by_role("button", name="Cancel").click()
    assert len(site.archive.instances()) == before
    page.get_by_role("button", name="Report anew").click()
    page.get_by_role("dialog").get_by_role("button", name="Report anew").click()
    expect(page.get_by_text("The study is reported anew")).to_be_visible()
    page.evaluate("document.getElementById('images').dataset.old = 'yes'")
    page.get_by_role("button", name="Erase").click()
    with page.expect_request(lambda request: request.headers.get("x-hilum-alone") == "1") as asked:
        site.archive.wait_for_instances(before + 1)
    assert asked.value.headers["x-csrf-token"]
    expect(page.get_by_role("heading", name="Report, revision 2")).to_be_visible(timeout=30_000)
    expect(page.locator("#images[data-old]")).to_have_count(0)  # it is news, too
    expect(page.get_by_role("dialog")).to_be_visible()  # what is asked here is not taken away


def test_the_page_is_painted_before_its_film_has_come(visit: Visit, site: Site) -> None:
    waiting: list[Route] = []
    page = visit("/about")
    page.route("**/films/**", lambda route: waiting.append(route))
    page.goto(address(site), wait_until="domcontentloaded")
    painted = "() => performance.getEntriesByName('first-contentful-paint').length"
    until(lambda: page.evaluate(painted) and waiting, "the page is painted, and the film asked for")
    expect(page.locator(".viewer")).not_to_have_attribute("data-state", "film")
    for route in waiting:
        route.continue_()
    page.unroute("**/films/**")
    with_map(page)


def test_a_result_is_reproduced(page: Page) -> None:
    page.get_by_role("button", name="Verify the report").click()
    page.get_by_role("dialog").get_by_role("button", name="Verify the report").click()
    expect(page.get_by_text("The result is reproduced.")).to_be_visible(timeout=60_000)


def test_the_page_has_no_serious_fault_in_either_theme_and_fits_both_widths(visit: Visit, site: Site) -> None:
    for size in (WIDE, NARROW):
        for theme in THEMES:
            page = with_map(visit(address(site), size=size, theme=theme))
            keep_screenshot(page, f"study-{theme}-{size[0]}")
            assert not violations(page) and not overflows(page)
            page.context.close()


def test_a_study_is_erased_once_the_end_of_its_uid_was_typed(page: Page, site: Site) -> None:
    page.get_by_role("button", name="Erase").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(str(site.study.StudyInstanceUID)[-4:])
    dialog.get_by_role("button", name="Erase").click()
    expect(page.get_by_role("heading", name="The study is erased")).to_be_visible()
