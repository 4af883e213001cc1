"""A browser comes in by the link of the first start, and by a password; and stays out without either."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from scp_node.operations.accounts import add_user
from scp_node.operations.acts import LogRecorder, Operator
from scp_node.operations.passwords import hashed
from scp_node.web.access.cookies import NAME
from tests.support.node.node import RunningNode
from tests.support.peers.ports import free_port
from tests.support.peers.program import running
from tests.support.web.browser import NARROW, THEMES, WIDE, keep_screenshot, new_context, overflows, violations
from tests.support.web.identity_provider import CLIENT_ID, CLIENT_SECRET, identity_provider

PASSWORD = "correct horse battery"
pytestmark = pytest.mark.peer("chromium")
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """A node that has no user, and runs what a console needs."""
    one = RunningNode(tmp_path_factory.mktemp("node"), {"archive": ("ARCHIVE", 104)})
    one.only = ("web",)
    try:
        one.start()
        yield one
    finally:
        one.stop()


@pytest.fixture
def opened(browser: Browser, node: RunningNode) -> Iterator[Opened]:
    """Opens a page in a browser without cookies. A page that answers 403 is an error of its console, and meant here."""
    contexts = []

    def visit(path: str, size: tuple[int, int] = WIDE, theme: str = "dark") -> Page:
        context = new_context(browser, f"http://127.0.0.1:{node.web_port}", size, theme)
        contexts.append(context)
        page = context.new_page()
        page.goto(path)
        return page

    yield visit
    for one in contexts:
        one.close()


def set_up_links(node: RunningNode) -> list[str]:
    return re.findall(r"set up the console .*?link=(http://\S+)", Path(node.log_path).read_text())


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_the_link_of_the_first_start_makes_an_administrator_once(node: RunningNode, opened: Opened) -> None:
    (link,) = set_up_links(node)
    for size in (WIDE, NARROW):
        for theme in THEMES:
            page = opened(link, size, theme)
            expect(page.get_by_role("heading", level=1)).to_have_text("Set up the console")
            keep_screenshot(page, f"set-up-{theme}-{size[0]}")
            assert not violations(page) and not overflows(page)
    page = opened(link)
    page.get_by_label("Name").fill("root")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Once again").fill(PASSWORD + "!")
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("alert")).to_have_text("The two passwords differ.")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Once again").fill(PASSWORD)
    page.get_by_role("button", name="Set up").click()
    page.goto("/about")
    expect(page.get_by_role("link", name="root")).to_be_visible()
    again = opened(link)
    expect(again.get_by_role("heading", level=1)).to_have_text("This link does not work")
    again.get_by_role("main").get_by_role("link", name="Sign in").click()
    expect(again.get_by_role("heading", level=1)).to_have_text("Sign in")
    node.stop()
    node.start()
    assert len(set_up_links(node)) == 1, "there is a user: no start makes another link"


def test_a_browser_signs_in_and_out_and_its_old_cookie_is_worth_nothing(opened: Opened) -> None:
    for size in (WIDE, NARROW):
        for theme in THEMES:
            page = opened("/about", size, theme)
            expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
            keep_screenshot(page, f"sign-in-{theme}-{size[0]}")
            assert not violations(page) and not overflows(page)
    page = opened("/about")
    sign_in(page, "root", "something else")
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    sign_in(page, "root", PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("About")
    (cookie,) = [one for one in page.context.cookies() if one["name"] == NAME]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["expires"] == -1
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.context.add_cookies([{"name": NAME, "value": cookie["value"], "url": page.url.rpartition("/")[0]}])
    page.goto("/about")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_user_chooses_a_password_by_a_link_and_makes_a_token(node: RunningNode, opened: Opened) -> None:
    ledger = node.ledger()
    link = add_user(ledger, "vera", "viewer", Operator("test", LogRecorder()))
    ledger.engine.dispose()
    page = opened(f"/password/{link.secret}")
    keep_screenshot(page, "password-dark-1280")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Once again").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.goto("/account")
    page.get_by_label("What it is for").fill("a report <b>")
    page.get_by_role("button", name="Make a token").click()
    token = page.get_by_role("status").locator("code").first.inner_text()
    keep_screenshot(page, "account-token-dark-1280")
    assert not violations(page) and not overflows(page)
    url = page.url.rpartition("/account")[0]
    answer = page.request.get(f"{url}/about", headers={"Authorization": f"Bearer {token}"}, max_redirects=0)
    assert answer.status == 200
    page.goto("/account")
    expect(page.get_by_text("a report <b>")).to_be_visible()
    assert token not in page.content()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("a report <b>")).not_to_be_visible()
    answer = page.request.get(f"{url}/about", headers={"Authorization": f"Bearer {token}"}, max_redirects=0)
    assert answer.status == 303
    page.goto("/audit")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")


def test_whoever_guesses_passwords_has_to_wait(node: RunningNode, opened: Opened) -> None:
    ledger = node.ledger()
    add_user(ledger, "otto", "operator", Operator("test", LogRecorder()))
    with ledger.transaction() as tx:
        tx.accounts.set_password("otto", hashed(PASSWORD))
    ledger.engine.dispose()
    page = opened("/sign-in")
    for _ in range(5):
        sign_in(page, "otto", "a guess of many")
        expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    sign_in(page, "otto", PASSWORD)
    expect(page.get_by_text("Too many tries.")).to_be_visible()


def test_a_browser_comes_in_by_the_account_of_a_provider(browser: Browser, tmp_path: Path) -> None:
    with identity_provider(free_port()) as provider:
        oidc = {"issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        web = {"oidc": {**oidc, "operators": ["radiology"]}}
        node = RunningNode(tmp_path / "node", {"archive": ("ARCHIVE", 104)})
        node.document["web"] |= web
        node.only = ("web",)
        node.write_config()
        with running(node):
            # by another name, so that the way back crosses from one site to another
            page = new_context(browser, f"http://localhost:{node.web_port}").new_page()
            page.goto("/about")
            keep_screenshot(page, "sign-in-provider-dark-1280")
            page.get_by_role("link", name="Sign in at 127.0.0.1").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("About")
            expect(page.get_by_role("link", name="anna")).to_be_visible()
            page.context.close()


def test_an_administrator_sees_who_came_in(opened: Opened) -> None:
    for size in (WIDE, NARROW):
        for theme in THEMES:
            page = opened("/audit", size, theme)
            sign_in(page, "root", PASSWORD)
            expect(page.get_by_role("heading", level=1)).to_have_text("Audit")
            expect(page.get_by_text("set-up", exact=True).last).to_be_visible()
            keep_screenshot(page, f"audit-full-{theme}-{size[0]}")
            assert not violations(page) and not overflows(page)
