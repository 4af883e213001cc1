"""What no page answers: a page with the menu for a browser, a problem for a program."""

from __future__ import annotations

import pytest

from tests.unit.web.console.conftest import Visitor

BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/xyz", 404, "There is no such page."),
        ("GET", "/static/xyz.css", 404, "There is no such page."),
        ("DELETE", "/studies", 405, "does not take such a request"),
        ("GET", "/jobs?retried=many", 422, "that this node cannot take"),
    ],
)
def test_a_browser_gets_a_page(as_role: Visitor, method: str, path: str, status: int, words: str) -> None:
    answer = as_role("operator").request(method, path, headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert words in answer.text
    if not path.startswith("/static"):  # where nobody is asked who looks
        assert 'href="/remote-aes"' in answer.text, "the menu"
    if status == 405:
        assert "GET" in answer.headers["allow"]


def test_the_page_is_read_in_other_languages(as_role: Visitor) -> None:
    assert "Diese Seite gibt es nicht." in as_role(language="de").get("/xyz", headers=BROWSER).text


@pytest.mark.parametrize(
    ("method", "path", "code"), [("GET", "/api/xyz", "nothing-found"), ("DELETE", "/api/jobs", "method-not-allowed")]
)
def test_a_program_gets_a_problem(as_role: Visitor, method: str, path: str, code: str) -> None:
    answer = as_role("operator").request(method, path, headers=BROWSER)
    assert answer.headers["content-type"] == "application/problem+json" and answer.json()["code"] == code
    assert answer.json()["status"] == answer.status_code
