"""No route answers a stranger unless it is meant to, and none acts for a form that no page of this node has sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount

from scp_node.ledger import Ledger
from scp_node.operations.accounts import issue_token
from scp_node.operations.acts import LogRecorder, Operator
from scp_node.web.access.guard import HEADER, guard, is_public
from scp_node.web.access.visitor import SAFE_METHODS
from tests.support.web.visitors import PEOPLE, ServedConsole, session_of


def all_routes(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, BaseRoute]]:
    """Those of included routers, too, with what stands before their paths."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is None:
            yield prefix, route
        else:
            yield from all_routes(router.routes, prefix + getattr(route, "include_context").prefix)  # noqa: B009


def asked(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every route with each of its methods."""
    for prefix, route in all_routes(app.routes):
        if isinstance(route, APIRoute):
            for method in sorted(route.methods or ()):
                yield method, prefix + route.path_format.replace("{", "").replace("}", "")


def test_nothing_answers_but_guarded_routes_and_static_files(console: ServedConsole) -> None:
    assert [one.dependency for one in console.app.router.dependencies] == [guard]
    others = [route for _, route in all_routes(console.app.routes) if not isinstance(route, APIRoute)]
    assert [(type(one), getattr(one, "path", "")) for one in others] == [(Mount, "/static")]


def test_a_stranger_is_led_to_the_sign_in_from_every_route_that_is_not_public(console: ServedConsole) -> None:
    client = console.client()
    for method, path in asked(console.app):
        answer = client.request(method, path)
        if is_public(path):
            assert answer.headers.get("location", "") == "/" or answer.status_code != 303, path
        elif path.startswith(("/api/", "/dicom-web/")):
            assert answer.status_code == 401 and "Bearer" in answer.headers["www-authenticate"], path
        else:
            assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"), path


def test_nothing_is_done_for_a_form_without_the_word_of_the_session(console: ServedConsole) -> None:
    client = console.client("admin")
    for word in ("", "x", client.headers[HEADER][:-1]):
        client.headers[HEADER] = word
        for method, path in asked(console.app):
            if method not in SAFE_METHODS:
                assert client.request(method, path).status_code == 403, (method, path)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"origin": "http://localhost:8000"},
    ],
    ids=str,
)
def test_nothing_is_done_for_a_page_of_another_place(console: ServedConsole, headers: dict[str, str]) -> None:
    for client in (console.client("admin"), console.client()):
        for method, path in asked(console.app):
            if method not in SAFE_METHODS and (is_public(path) or HEADER in client.headers):
                assert client.request(method, path, headers=headers).status_code == 403, (method, path)


def test_the_word_of_the_session_may_stand_in_the_form(console: ServedConsole) -> None:
    client = console.client("viewer")
    word = client.headers.pop(HEADER)
    for form, status in (({"csrf_token": word}, 303), ({"csrf_token": "x"}, 403), ({}, 403)):
        assert client.post("/preferences", data={**form, "theme": "light"}).status_code == status
    files = {"some": ("name.txt", b"text")}
    assert client.post("/preferences", data={"csrf_token": word}, files=files).status_code == 303


def test_the_word_of_another_session_of_the_same_person_does_not_count(console: ServedConsole, ledger: Ledger) -> None:
    one, other = console.client("admin"), console.client("admin")
    one.headers[HEADER] = other.headers[HEADER]
    assert one.post("/preferences").status_code == 403


def test_a_program_needs_no_word_and_is_no_person(console: ServedConsole, ledger: Ledger) -> None:
    session_of(ledger, "admin")
    who = Operator("test", LogRecorder())
    token = issue_token(ledger, PEOPLE["admin"], "script", ("read", "operate"), 1, who).secret
    client = console.client(headers={"authorization": f"bearer {token}"})
    assert client.get("/about").status_code == 200
    for path in ("/preferences", "/sign-in", "/sign-out", "/set-up/x", "/password/x"):
        assert client.post(path).status_code == 403
    assert client.get("/about", headers={"authorization": f"Bearer {token}x"}).status_code == 303
    assert client.get("/about", headers={"authorization": f"Basic {token}"}).status_code == 303


def test_a_cookie_does_not_help_whose_token_is_wrong(console: ServedConsole) -> None:
    client = console.client("admin")
    assert client.get("/about").status_code == 200
    assert client.get("/about", headers={"authorization": "Bearer x"}).status_code == 303


def test_a_stranger_may_send_forms_and_nothing_large(console: ServedConsole) -> None:
    client = console.client()
    assert client.post("/sign-in", content=b"x" * 65_537).status_code == 413
    assert client.post("/sign-in", content=iter([b"x"])).status_code == 411
    assert client.post("/sign-in", data={"name": "x" * 65_000}).status_code == 403
