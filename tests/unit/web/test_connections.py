"""What many, slow, endless and wrongly addressed connections do to the HTTP port: nothing that others notice."""

from __future__ import annotations

import asyncio
import http.client
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from fastapi import FastAPI, Request

from scp_node.ledger import Ledger
from scp_node.settings import Web
from scp_node.web.admission import Application, Receive, Scope, Send, named_host, own_names
from scp_node.web.application import build_app
from scp_node.web.connection import RESERVE, BoundedConnection
from scp_node.web.database_watch import DatabaseWatch
from scp_node.web.server import WebServer
from tests.support.peers.ports import free_port
from tests.support.web.contexts import web_context

BIG = 32 * 1024 * 1024
ANSWERED_WITHIN_S = 5.0


def slow_app(app: FastAPI) -> Application:
    """The application of the node, and beside it two routes of the kind that an upload and a picture have, for
    everybody."""
    beside = FastAPI()

    @beside.post("/upload")
    async def upload(request: Request) -> int:
        return len(await request.body())

    @beside.get("/big")
    async def big() -> str:
        return "x" * BIG

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        await (beside if scope["path"] in ("/upload", "/big") else app)(scope, receive, send)

    return either


@contextmanager
def serving(tmp_path: Path, ledger: Ledger, **web: object) -> Iterator[int]:
    watch = DatabaseWatch(ledger)
    watch.look()
    settings = Web.model_validate({"port": free_port(), **web})
    server = WebServer(settings, slow_app(build_app(web_context(tmp_path, ledger, watch), list)))
    server.start()
    try:
        yield server.port
    finally:
        server.stop()
    assert not server.is_running


def connect(port: int, begin: bytes = b"") -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", port), timeout=20)
    if begin:
        peer.sendall(begin)
    return peer


def ask(port: int, path: str, host: str | None = "localhost", **headers: str) -> int:
    """The status of an answer; the whole of it has to come in time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERED_WITHIN_S)
    try:
        connection.putrequest("GET", path, skip_host=True)
        for name, value in ({} if host is None else {"Host": host} | headers).items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def closed_after_s(peer: socket.socket, drip: bytes, every_s: float) -> float:
    """How long a peer that sends `drip` now and then is listened to; it never reads more than it has to."""
    begun = time.monotonic()
    peer.settimeout(every_s)
    while time.monotonic() - begun < 20:
        with suppress(TimeoutError):
            try:
                if not peer.recv(1):
                    break
            except ConnectionError:
                break
        with suppress(OSError):
            peer.sendall(drip)
    return time.monotonic() - begun


def answer_to(port: int, request: bytes) -> bytes:
    with connect(port, request) as peer:
        return peer.recv(4096)


SLOW = {
    "nothing at all": (b"", b""),
    "a head, byte by byte": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", b"x"),
    "a first line, byte by byte": (b"G", b"E"),
    "lines without an end": (b"GET /healthz HTTP/1.1\r\n", b"X: y\r\n"),
    "a body, byte by byte": (b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n", b"x"),
    "a body in chunks without an end": (
        b"POST /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n",
    ),
    "a second head on a kept connection": (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nX: ",
        b"x",
    ),
    "a body that nobody asked for": (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n",
        b"x",
    ),
}


@pytest.mark.parametrize("kind", SLOW)
def test_a_slow_peer_is_cut_off_in_time(tmp_path: Path, ledger: Ledger, kind: str) -> None:
    begin, drip = SLOW[kind]
    with serving(tmp_path, ledger, header_timeout_s=1, request_timeout_s=1.5) as port, connect(port, begin) as peer:
        assert 0.8 < closed_after_s(peer, drip, 0.2) < 8


def test_the_second_piece_of_an_answer_does_not_wait_for_the_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ledger: Ledger
) -> None:
    """Nagle's algorithm and delayed acknowledgements together would make every answer 40 ms late."""
    made: list[int] = []
    connection_made = BoundedConnection.connection_made

    def watched(self: BoundedConnection, transport: asyncio.Transport) -> None:
        connection_made(self, transport)
        made.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(BoundedConnection, "connection_made", watched)
    with serving(tmp_path, ledger) as port:
        assert ask(port, "/healthz") == 200
    assert made and all(made)


def test_an_answer_that_nobody_reads_is_dropped_in_time(tmp_path: Path, ledger: Ledger) -> None:
    limits = {"header_timeout_s": 1, "request_timeout_s": 1.5}
    with serving(tmp_path, ledger, **limits) as port, connect(port) as peer:
        peer.sendall(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(4)
        peer.settimeout(20)
        received = 0
        with suppress(ConnectionError):
            while chunk := peer.recv(1 << 20):
                received += len(chunk)
        assert received < BIG


@pytest.mark.parametrize(
    ("connections", "begin"),
    [(105, b""), (2000, b""), (300, b"GET /healthz HT"), (300, SLOW["a body, byte by byte"][0])],
    ids=["105 that say nothing", "2000 that say nothing", "a head is begun", "a body is begun"],
)
def test_idle_and_slow_connections_keep_nobody_from_asking_how_the_node_is(
    tmp_path: Path, ledger: Ledger, connections: int, begin: bytes
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    try:
        with serving(tmp_path, ledger) as port, ExitStack() as peers:
            for _ in range(connections):
                with suppress(ConnectionError):
                    peers.enter_context(connect(port, begin))
            for path in ("/healthz", "/readyz", "/metrics"):
                assert ask(port, path) == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_where_all_are_busy_others_are_told_so_and_watchers_are_answered(tmp_path: Path, ledger: Ledger) -> None:
    with serving(tmp_path, ledger, connections_max=10) as port, ExitStack() as peers:
        for _ in range(10):
            peers.enter_context(connect(port, SLOW["a body, byte by byte"][0]))
        time.sleep(0.5)
        assert ask(port, "/big") == 503
        assert [ask(port, "/healthz") for _ in range(RESERVE * 2)] == [200] * RESERVE * 2


def test_a_flood_that_goes_on_keeps_nobody_out(tmp_path: Path, ledger: Ledger) -> None:
    with serving(tmp_path, ledger, connections_max=50) as port, ExitStack() as peers:
        for _ in range(20):
            for _ in range(20):
                with suppress(ConnectionError):
                    peers.enter_context(connect(port))
            assert ask(port, "/healthz") == 200


LONG_HEADS = {
    "one long header": b"X: " + b"x" * 40_000 + b"\r\n",
    "many headers": b"".join(b"X-%d: y\r\n" % number for number in range(500)),
    "many headers of one name": b"X: y\r\n" * 500,
}


@pytest.mark.parametrize("kind", LONG_HEADS)
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "in parts"])
def test_a_head_beyond_the_limits_is_refused(tmp_path: Path, ledger: Ledger, kind: str, at_once: bool) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + LONG_HEADS[kind] + b"\r\n"
    with serving(tmp_path, ledger) as port, connect(port) as peer:
        for part in [head] if at_once else [head[at : at + 1000] for at in range(0, len(head), 1000)]:
            with suppress(ConnectionError):
                peer.sendall(part)
        with suppress(ConnectionError):
            assert peer.recv(100).split()[1] in (b"400", b"431")


def test_a_target_beyond_the_limit_is_refused(tmp_path: Path, ledger: Ledger) -> None:
    with serving(tmp_path, ledger) as port:
        assert ask(port, "/healthz?" + "x" * 40_000) in (400, 431)


@pytest.mark.parametrize(
    ("host", "health", "other"),
    [
        ("localhost", 200, 303),
        ("LOCALHOST:8043", 200, 303),
        ("localhost.", 200, 303),
        ("127.0.0.1", 200, 303),
        ("127.1.2.3:80", 200, 303),
        ("[::1]:8043", 200, 303),
        (socket.gethostname(), 200, 303),
        ("hilum.example.org:443", 200, 303),
        ("10.1.2.3:8043", 200, 421),
        ("[2001:db8::7]", 200, 421),
        ("evil.example", 421, 421),
        ("localhost.evil.example", 421, 421),
        ("127.0.0.1.evil.example", 421, 421),
        ("xhilum.example.org", 421, 421),
        ("", 400, 400),
        ("localhost, evil.example", 400, 400),
        ("evil.example/localhost", 400, 400),
        ("user@localhost", 400, 400),
        ("localhost:8043:1", 400, 400),
        ("[::1", 400, 400),
        ("[localhost]", 400, 400),
        (None, 400, 400),
    ],
)
def test_only_a_request_for_this_node_is_answered(
    tmp_path: Path, ledger: Ledger, host: str | None, health: int, other: int
) -> None:
    with serving(tmp_path, ledger, allowed_hosts=["hilum.example.org"]) as port:
        assert (ask(port, "/healthz", host), ask(port, "/", host)) == (health, other)


def test_two_names_in_one_request_are_no_name(tmp_path: Path, ledger: Ledger) -> None:
    with serving(tmp_path, ledger) as port:
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
        assert answer_to(port, request).split()[1] == b"400"


def test_a_name_is_compared_without_case_port_and_final_dot() -> None:
    assert named_host(" Node.Example.ORG.:8043 ") == "node.example.org"
    assert "node.example.org" in own_names(["Node.Example.org."])
