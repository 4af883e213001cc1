"""Our reports in OHIF: what stands beside each finding, on its film, wholly inside the viewport.

The report is opened by its address, as a worklist opens it. A double click on its thumbnail leaves OHIF 3.12.10 now and
then with an undrawn film, of one and the same report, until the window is drawn again; it is not tried here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.peers.ohif import DICOMWEB, require_ohif, serving_ohif
from tests.support.peers.orthanc import Orthanc, running_orthanc
from tests.support.results.viewed_studies import ViewedStudy, viewed_studies
from tests.support.web.browser import keep_screenshot

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.peer("Orthanc")]

STUDIES = {study.name: study for study in viewed_studies()}
PLACED = "right lung, lower zone"
# What OHIF writes of each report, block by block, the last line without its number.
LABELS: dict[str, list[list[str]]] = {
    "adult": [["Pneumonia PRESENT 95.1 %", PLACED]],
    "square": [["Pneumonia PRESENT 95.1 %", "left lung, lower zone"]],
    "landscape": [["Pneumonia PRESENT 95.1 %", "left lung, lower zone"]],
    # one film a viewport: the most urgent one
    "three films": [["Pneumonia PRESENT 97.0 %", PLACED]],
    "negative": [["Pneumonia ABSENT 1.8 %"]],
    "Japanese name": [["Pneumonia PRESENT 95.1 %", PLACED]],
    "two contours": [["Pneumonia PRESENT 95.1 %", f"{PLACED}; left lung, upper zone"]],
    "several findings": [
        ["Opacity PRESENT 90.0 %", f"{PLACED}; left lung, upper zone"],
        ["Pneumonia PRESENT 70.0 %", PLACED],
    ],
    "peak outside the lungs": [
        ["Pneumonia PRESENT 95.1 %", "not placed: the strongest spot of the map lies outside the lungs"]
    ],
    "film and lateral": [["Pneumonia PRESENT 95.1 %", PLACED]],
    "places switched off": [["Pneumonia PRESENT 95.1 %", "not placed: this site shows no places"]],
}
# The viewport, and each block of text in it, as [left, top, right, bottom] in pixels of the page.
DRAWN = """() => {
  const box = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return [left, top, right, bottom];
  };
  const viewport = document.querySelector(".cornerstone-viewport-element");
  const blocks = [...viewport.querySelectorAll("svg text")].filter((one) => one.textContent);
  return {
    viewport: box(viewport),
    labels: blocks.map((one) => [[...one.querySelectorAll("tspan")].map((line) => line.textContent), box(one)]),
  };
}"""


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, other: Box) -> bool:
        return (
            self.left <= other.left < other.right <= self.right and self.top <= other.top < other.bottom <= self.bottom
        )


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[BrowserContext]:
    """OHIF over an archive with all the studies."""
    require_ohif()
    with (
        running_orthanc(tmp_path_factory.mktemp("orthanc"), **DICOMWEB) as archive,
        serving_ohif(archive) as address,
    ):
        _fill(archive)
        context = browser.new_context(base_url=address, viewport={"width": 1400, "height": 900})
        # its tour would cover the film
        context.add_init_script("localStorage.setItem('shownTours', JSON.stringify(['basicViewerTour']))")
        yield context
        context.close()


def _fill(archive: Orthanc) -> None:
    for study in STUDIES.values():
        for ds in study.objects("heatmap", "sr", "status"):
            archive.add(ds)


def opened(viewer: BrowserContext, study: ViewedStudy) -> Page:
    (report,) = study.objects("sr")[len(study.images) :]
    page = viewer.new_page()
    page.goto(
        f"/viewer?StudyInstanceUIDs={study.study_instance_uid}&initialSeriesInstanceUID={report.SeriesInstanceUID}"
    )
    return page


@pytest.mark.parametrize("name", LABELS)
def test_ohif_draws_every_finding_with_its_whole_label_inside_the_viewport(viewer: BrowserContext, name: str) -> None:
    page = opened(viewer, STUDIES[name])
    labels = page.locator(".cornerstone-viewport-element svg text tspan")
    expect(labels.filter(has_text="Probability")).to_have_count(len(LABELS[name]), timeout=60_000)

    drawn: dict[str, Any] = page.evaluate(DRAWN)
    keep_screenshot(page, f"ohif-{name.replace(' ', '-')}")
    page.close()

    read = sorted([line.removesuffix(": ") for line in lines[:-1]] for lines, _ in drawn["labels"])
    assert read == LABELS[name]
    assert all(Box(*drawn["viewport"]).holds(Box(*box)) for _, box in drawn["labels"]), drawn


def test_ohif_reads_out_the_report_of_a_study_without_an_analysed_film(viewer: BrowserContext) -> None:
    page = opened(viewer, STUDIES["declined only"])
    expect(page.get_by_text("1 film, not analysed: lateral 1")).to_be_in_viewport(timeout=60_000)
    keep_screenshot(page, "ohif-declined-only")
    page.close()


def test_every_study_has_its_labels_here() -> None:
    assert {*LABELS, "declined only"} == set(STUDIES) and len(STUDIES) == 12
