"""The list of studies in a browser: filters in its address, patients never, and hostile names as text."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from pydicom import Dataset

from scp_node.ledger import Ledger
from scp_node.queries.patients import patients_of
from tests.browser.conftest import Visit
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode
from tests.support.peers.modality import store
from tests.support.waiting import until
from tests.support.web.browser import NARROW, keep_screenshot, overflows, violations

pytestmark = pytest.mark.peer("chromium")
MARKUP, RIGHT_TO_LEFT = "<img src>^<script>alert(1)</script>", "דוד^משה"
LONG = "LONG" + "O" * 195 + "G"
NAMES = {2: MARKUP, 3: RIGHT_TO_LEFT, 4: LONG}


def film(number: int, name: str) -> Dataset:
    ds = make_dx(rows=200, columns=180, seed=number, SpecificCharacterSet="ISO_IR 192")
    ds.PatientID, ds.AccessionNumber = f"PATIENT-{number}", f"ACC-{number}"
    with warnings.catch_warnings():  # of more characters than PN may have
        warnings.simplefilter("ignore")
        ds.PatientName = name
    return ds


@pytest.fixture(scope="module")
def studies(node: RunningNode) -> Iterator[dict[int, str]]:
    """UIDs by number; every image was looked at by the worker."""
    films = {number: film(number, name) for number, name in ({1: "Yamada^Tarou=山田^太郎"} | NAMES).items()}
    assert set(store(node.port, films.values())) == {0x0000}
    uids = {number: str(ds.StudyInstanceUID) for number, ds in films.items()}
    ledger = node.ledger()
    until(lambda: all(_is_known(ledger, uid) for uid in uids.values()), node.log, 60)
    yield uids
    ledger.engine.dispose()


def _is_known(ledger: Ledger, uid: str) -> bool:
    with ledger.reading() as tx:
        return bool(patients_of(tx, uid))


def shown(page: Page) -> set[str]:
    links = page.locator("table.studies a")
    return {str(links.nth(place).get_attribute("href")).removeprefix("/studies/") for place in range(links.count())}


def test_a_filter_stands_in_the_address_and_can_be_sent_to_a_colleague(visit: Visit, studies: dict[int, str]) -> None:
    page = visit("/studies")
    assert shown(page) == set(studies.values())
    page.get_by_label("Accession number").fill("ACC-2")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**/studies?**accession=ACC-2**")
    assert shown(page) == {studies[2]}
    assert shown(visit(page.url)) == {studies[2]}


def test_a_patient_is_found_and_stands_in_no_address_and_no_log(
    visit: Visit, studies: dict[int, str], node: RunningNode
) -> None:
    page = visit("/studies")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    for caption, text in (("Patient ID", "patient-1"), ("Name, or how it begins", "山田"), ("Name,", "yamada, t")):
        page.get_by_text("Search by patient").click()
        form = page.locator('form[action="/studies/search"]')
        form.get_by_label(caption).fill(text)
        form.get_by_role("button").click()
        expect(page.get_by_text("Studies of the patient who was looked for: 1.")).to_be_visible()
        assert shown(page) == {studies[1]}
        page.goto("/studies")
    assert addresses and not [one for one in addresses if "patient" in one.lower() or "yamada" in one.lower()]
    assert "patient-1" not in node.log().lower() and "yamada" not in node.log().lower()


@pytest.mark.parametrize("number", NAMES)
def test_a_hostile_name_is_text_on_every_page(visit: Visit, studies: dict[int, str], number: int) -> None:
    page = visit(f"/studies/{studies[number]}", size=NARROW)
    written = NAMES[number].replace("^", ", ")
    expect(page.locator(".patient bdi").first).to_have_text(written)
    assert not overflows(page) and page.locator("main img").count() == 0
    expect(page.locator(".viewer")).to_have_attribute("data-state", "film", timeout=30_000)
    keep_screenshot(page, f"hostile-name-{number}")


def test_the_list_is_used_by_keyboard_and_has_no_serious_fault(visit: Visit, studies: dict[int, str]) -> None:
    page = visit("/studies", size=NARROW)
    assert not overflows(page) and not violations(page)
    page.get_by_label("Accession number").focus()
    page.keyboard.type("ACC-3")
    page.keyboard.press("Enter")
    page.wait_for_url("**accession=ACC-3**")
    page.locator("table.studies a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/studies/{studies[3]}")


def test_the_csv_is_downloaded(visit: Visit, studies: dict[int, str]) -> None:
    page = visit("/studies?accession=ACC-1")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    text = waiting.value.path().read_text("utf-8")
    assert studies[1] in text and studies[2] not in text and "Yamada" not in text and "PATIENT-1" not in text
