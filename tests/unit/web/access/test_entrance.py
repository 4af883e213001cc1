"""What the door takes of whom, and that nothing but an end of the session shuts it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from scp_node.ledger import Ledger, Transaction
from scp_node.ledger import account_tables as t
from scp_node.ledger.records import now_utc
from scp_node.operations.accounts import issue_token
from scp_node.operations.acts import LogRecorder, Operator
from scp_node.web.access.entrance import FORM_BYTES_MAX
from tests.support.web.visitors import ServedConsole

ALONE = {"X-Hilum-Alone": "1"}


def test_a_stranger_sends_no_chunks_whatever_the_length_says(console: ServedConsole) -> None:
    head = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", console.port), timeout=10) as one:
        one.sendall(head.encode())
        assert one.recv(4096).startswith(b"HTTP/1.1 411")


@pytest.mark.parametrize("path", ["/configuration/check", "/studies/search"])
def test_nobody_sends_more_than_a_form_may_have(console: ServedConsole, path: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"text="
        for _ in range(FORM_BYTES_MAX // 65_536 + 1):
            yield bytes(65_536)

    form = {"content-type": "application/x-www-form-urlencoded"}
    assert console.client("admin").post(path, content=chunks(), headers=form).status_code == 413


@pytest.mark.parametrize(("path", "status"), [("/studies?source=%00", 400), ("/studies/%00", 400), ("/api/x%00", 422)])
def test_an_address_holds_no_nul(console: ServedConsole, path: str, status: int) -> None:
    assert console.client("viewer").get(path).status_code == status


def test_a_name_with_nul_is_unknown(console: ServedConsole) -> None:
    assert console.client().post("/sign-in", data={"name": "a\0", "password": "x"}).status_code == 403


def test_an_origin_that_is_none_is_elsewhere(console: ServedConsole) -> None:
    assert console.client("viewer").post("/sign-out", headers={"origin": "http://["}).status_code == 403


def test_a_page_that_asks_by_itself_keeps_no_session_open(console: ServedConsole, ledger: Ledger) -> None:
    client = console.client("viewer")
    long_ago = now_utc() - timedelta(minutes=50)
    with ledger.transaction() as tx:
        tx.connection.execute(t.session.update().values(seen_at=long_ago))
    assert client.get("/about", headers=ALONE).status_code == 200
    with ledger.reading() as tx:
        assert tx.connection.execute(t.session.select()).one().seen_at == long_ago
    with ledger.transaction() as tx:
        tx.connection.execute(t.session.update().values(ended_at=now_utc()))
    answer = client.get("/about", headers={**ALONE, "HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-refresh"]) == (401, "true")


def test_a_ledger_that_cannot_be_written_locks_nobody_out(
    console: ServedConsole, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, program = console.client("admin"), console.client()
    token = issue_token(ledger, "ada", "x", ["read"], 1, Operator("root", LogRecorder()))
    program.headers["Authorization"] = f"Bearer {token.secret}"
    with ledger.transaction() as tx:
        tx.connection.execute(t.session.update().values(seen_at=now_utc() - timedelta(minutes=50)))
    tried = []

    @contextmanager
    def full(self: Ledger) -> Iterator[Transaction]:
        tried.append(1)
        raise OperationalError("", {}, Exception("disk is full"))
        yield

    monkeypatch.setattr(Ledger, "transaction", full)
    for one in (client, program):
        assert [one.get("/about").status_code for _ in range(3)] == [200, 200, 200]
    assert len(tried) == 2, "it is remembered that they were there"
    answer = client.post("/sign-out")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
