"""The live page: one look for all who listen, only what changed is sent, streams are few and end in time."""

from __future__ import annotations

import asyncio
import http.client
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from scp_node.ledger import Ledger
from scp_node.queries.now import now_of
from scp_node.web import live as module
from scp_node.web.access.cookies import NAME
from scp_node.web.application import build_app
from scp_node.web.database_watch import DatabaseWatch
from scp_node.web.live import SECTIONS, LiveNow
from scp_node.web.pages.rendering import part
from scp_node.web.server import WebServer
from tests.support.ledger.ledgers import received
from tests.support.waiting import until
from tests.support.web.contexts import web_context
from tests.support.web.visitors import session_of

Events = list[tuple[str, str]]
# The session of the viewer by the port of the console.
SESSIONS: dict[int, str] = {}


@pytest.fixture
def context_web() -> dict[str, float]:
    return {"request_timeout_s": 10, "connections_max": 10}


@pytest.fixture
def served(tmp_path: Path, ledger: Ledger, context_web: dict[str, float]) -> Iterator[tuple[int, LiveNow]]:
    watch = DatabaseWatch(ledger)
    watch.look()
    context = web_context(tmp_path, ledger, watch, **context_web)
    app = build_app(context, list)
    live: LiveNow = app.state.live
    live.look_every_s = 0.1
    server = WebServer(context.settings().web, app)
    live.start()
    server.start()
    SESSIONS[server.port] = session_of(ledger, "viewer")
    yield server.port, live
    live.close()
    server.stop()


def ask(port: int, path: str, **headers: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"Cookie": f"{NAME}={SESSIONS[port]}", **headers})
    return connection, connection.getresponse()


def listen(response: http.client.HTTPResponse, into: Events) -> threading.Thread:
    """Collects (event, id) until the stream ends."""

    def read() -> None:
        number = name = ""
        try:
            for line in response:
                text = line.decode().rstrip("\n")
                if text.startswith("id: "):
                    number = text[4:]
                elif text.startswith("event: "):
                    name = text[7:]
                elif not text and name:
                    into.append((name, number))
                    name = ""
        except (OSError, ValueError, AttributeError, http.client.HTTPException):  # closed by the test
            return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def test_a_stream_tells_all_sections_once_and_then_only_what_changed(
    served: tuple[int, LiveNow], ledger: Ledger
) -> None:
    port, _ = served
    connection, response = ask(port, "/events/now")
    with closing(connection):
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        told: Events = []
        listen(response, told)
        until(lambda: len(told) >= len(SECTIONS))
        assert {name for name, _ in told[: len(SECTIONS)]} == set(SECTIONS)
        time.sleep(0.5)
        assert len(told) == len(SECTIONS), "nothing has changed, and nothing is said"
        with ledger.transaction() as tx:
            tx.instances.add(received())
        until(lambda: len(told) > len(SECTIONS))
        assert {name for name, _ in told[len(SECTIONS) :]} == {"counts"}


def test_who_comes_back_is_told_what_changed_meanwhile(served: tuple[int, LiveNow], ledger: Ledger) -> None:
    port, live = served
    seen = max(one.changed_in for one in live.sections("en").values())
    with ledger.transaction() as tx:
        tx.instances.add(received())
    told: Events = []
    connection, response = ask(port, "/events/now", **{"Last-Event-ID": str(seen)})
    with closing(connection):
        listen(response, told)
        until(lambda: told)
        time.sleep(0.3)
    assert {name for name, _ in told} == {"counts"}


@pytest.mark.parametrize("context_web", [{"request_timeout_s": 2.5, "connections_max": 10}])
def test_a_stream_ends_by_itself_before_the_connection_would_be_cut(served: tuple[int, LiveNow]) -> None:
    port, live = served
    begun = time.monotonic()
    connection, response = ask(port, "/events/now")
    with closing(connection):
        assert b"retry: " in response.read(), "whole: its last chunk came"
        assert 1.5 < time.monotonic() - begun < 2.5
    until(lambda: live.listeners == 0)


def test_so_many_may_listen_and_others_still_get_pages(served: tuple[int, LiveNow]) -> None:
    port, live = served
    streams = [ask(port, "/events/now") for _ in range(5)]
    until(lambda: live.listeners == 5)
    connection, response = ask(port, "/events/now")
    assert (response.status, response.headers["retry-after"]) == (503, "30")
    connection.close()
    for path in ("/", "/healthz"):
        connection, response = ask(port, path)
        assert response.status == 200
        connection.close()
    for connection, _ in streams:
        connection.close()
    until(lambda: live.listeners == 0, timeout_s=20)


def test_streams_end_when_the_node_stops(served: tuple[int, LiveNow]) -> None:
    port, live = served
    connection, response = ask(port, "/events/now")
    with closing(connection):
        thread = listen(response, [])
        until(lambda: live.listeners)
        begun = time.monotonic()
        live.close()
        thread.join(5)
        assert not thread.is_alive() and time.monotonic() - begun < 2


def test_one_look_serves_all_and_nobody_looks_when_nobody_listens(
    served: tuple[int, LiveNow], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, live = served
    looks: list[int] = []
    real = now_of

    def counted(*arguments: object) -> object:
        looks.append(1)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "now_of", counted)
    time.sleep(0.4)
    assert not looks
    live.look_every_s = 0.5
    streams = [ask(port, "/events/now") for _ in range(4)]
    time.sleep(2.2)
    for connection, _ in streams:
        connection.close()
    assert 2 <= len(looks) <= 7, "about one each half second, for all four"


@pytest.fixture
def quiet(tmp_path: Path, ledger: Ledger) -> LiveNow:
    """One whose thread does not run."""
    return LiveNow(web_context(tmp_path, ledger))


def test_a_browser_that_is_gone_before_the_first_step_leaves_no_listener(quiet: LiveNow) -> None:
    async def come_and_go() -> None:
        for _ in range(3):
            await cast(AsyncGenerator[str, None], quiet.stream("en", 0, 9)).aclose()
        stream = cast(AsyncGenerator[str, None], quiet.stream("en", 0, 9))
        await anext(stream)
        assert quiet.listeners == 1
        await stream.aclose()

    asyncio.run(come_and_go())
    assert quiet.listeners == 0


def test_sections_are_made_once_for_each_look_and_nobody_waits_for_them(
    quiet: LiveNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []

    def counted(*arguments: Any, **values: Any) -> str:
        made.append(quiet._lock.locked())
        return part(*arguments, **values)

    monkeypatch.setattr(module, "part", counted)
    quiet.look_every_s = 60
    first = quiet.sections("en")
    assert quiet.sections("en") is first
    assert made == [False] * len(SECTIONS)


def test_an_open_page_says_that_it_is_old_while_the_database_is_gone(
    served: tuple[int, LiveNow], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port, live = served
    assert live.sections("en")["alarms"].html and live.sections("de")

    def gone(*arguments: object) -> None:
        raise sa.exc.OperationalError("select", {}, Exception("gone"))

    connection, response = ask(port, "/events/now")
    with closing(connection):
        told: Events = []
        listen(response, told)
        until(lambda: len(told) >= len(SECTIONS))
        before = len(told)
        with monkeypatch.context() as patch:
            patch.setattr(module, "now_of", gone)
            until(lambda: len(told) > before)
            time.sleep(0.5)
            assert [name for name, _ in told[before:]] == ["alarms"]
            assert "notice bad" in live._sections["en"]["alarms"].html
            assert "veraltet" in live._sections["de"]["alarms"].html
            assert [one.message for one in caplog.records].count("the page Now cannot be made") == 1
        until(lambda: len(told) > before + 1)
        assert "cannot be found out" not in live._sections["en"]["alarms"].html


def test_numbers_of_a_later_start_are_higher_however_much_changed(tmp_path: Path, ledger: Ledger) -> None:
    context = web_context(tmp_path, ledger)
    first = LiveNow(context)
    time.sleep(0.02)
    for number in range(5):
        first._keep("en", {"alarms": str(number)})
    assert LiveNow(context)._number > first._number


def test_idle_processes_of_pictures_are_ended_though_nobody_listens(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    tended: list[int] = []
    context = web_context(tmp_path, ledger)
    monkeypatch.setattr(context.desk, "tend", lambda: tended.append(1))
    monkeypatch.setattr(module, "TEND_EVERY_S", 0.05)
    monkeypatch.setattr(module, "COUNT_EVERY_S", 0.05)
    live = LiveNow(context)
    live.start()
    until(lambda: len(tended) >= 2)
    live.close()
