"""A running node takes what was put in place on its page, and goes on as before with what was wrong."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import httpx
import pytest
import yaml

from scp_node.web.access.cookies import NAME, csrf_of
from scp_node.web.access.guard import HEADER
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.modality import store
from tests.support.waiting import until
from tests.support.web.visitors import session_of


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with running_node(tmp_path_factory.mktemp("node"), {"archive": ("ARCHIVE", 104)}) as one:
        yield one


@pytest.fixture
def browser(node: RunningNode) -> Iterator[httpx.Client]:
    ledger = node.ledger()
    secret = session_of(ledger, "admin")
    ledger.engine.dispose()
    cookies, headers = {NAME: secret}, {HEADER: csrf_of(secret)}
    url = f"http://127.0.0.1:{node.web_port}"
    with httpx.Client(base_url=url, cookies=cookies, headers=headers, trust_env=False, timeout=60) as client:
        yield client


def changed(node: RunningNode, **sections: object) -> str:
    return yaml.safe_dump({**yaml.safe_load(node.config.read_text()), **sections}, sort_keys=False)


def check(browser: httpx.Client, text: str) -> tuple[str, str]:
    """Token and page of a draft."""
    form = {"text": text}
    answer = browser.post("/configuration/check", data=form)
    where = answer.headers["location"].partition("#")[0]
    return where.partition("draft=")[2], html.unescape(browser.get(where).text)


def put(browser: httpx.Client, token: str, page: str) -> httpx.Response:
    seen = re.findall(r'name="seen" value="([0-9a-f]{64})"', page)
    return browser.post("/configuration/put", data={"draft": token, "seen": seen[0]})


def test_what_is_put_in_place_is_taken_by_the_node(node: RunningNode, browser: httpx.Client) -> None:
    token, page = check(browser, changed(node, report={"quiet_period_s": 1.5}, logging={"level": "debug"}))
    assert "The file is usable" in page and "It changes: report, logging." in page
    assert "Takes effect when the node is started again: logging" in page
    answer = put(browser, token, page)
    assert answer.status_code == 303
    after = html.unescape(browser.get(answer.headers["location"]).text)
    assert "Put in place." in after and "taken, changed: report, logging" in after
    assert "differs from what the node goes by in: logging" in after
    assert yaml.safe_load(node.config.read_text())["report"] == {"quiet_period_s": 1.5}
    assert re.search(r"operator acted.*put-configuration", node.log())


def test_a_wrong_file_leaves_all_as_it_was(node: RunningNode, browser: httpx.Client) -> None:
    before, log = node.config.read_bytes(), len(node.log())
    token, page = check(browser, changed(node, report={"quiet_period_s": "soon"}))
    assert "must be a number" in page and "/configuration/put" not in page
    answer = browser.post("/configuration/put", data={"draft": token, "seen": "0" * 64})
    assert answer.status_code == 409 and "All is as it was." in answer.text
    assert node.config.read_bytes() == before
    assert "configuration reloaded" not in node.log()[log:]


def test_images_that_came_before_show_what_changed_routes_would_do(node: RunningNode, browser: httpx.Client) -> None:
    assert store(node.port, [make_dx()]) == [0x0000]
    route = {"name": "hands", "model": "pneumonia", "when": {"body_part": ["HAND"]}, "to": ["archive"]}
    token, page = check(browser, changed(node, routes=[route]))
    assert "The file is usable" in page

    def replayed() -> str:
        return html.unescape(browser.get("/configuration/replay", params={"draft": token, "days": 1}).text)

    until(lambda: "declined as wrong-body-part" in replayed(), replayed)
    table = replayed()
    assert "Tried: 1 image." in table and "/studies/" in table
    assert "declined as wrong-body-part by route hands, told to archive" in table
    assert "route chest: pneumonia, results to archive" in table


def test_a_file_that_cannot_be_taken_is_told(node: RunningNode, browser: httpx.Client) -> None:
    before = node.config.read_text()
    node.config.write_text(before + "bogus: 1\n")
    try:
        page = html.unescape(browser.get("/configuration").text)
        assert "1 problem: the node goes on with what it had" in page and "bogus" in page
    finally:
        node.config.write_text(before)
