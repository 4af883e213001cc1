"""Systems of a test that take messages: one of another maker for HL7, and scripted ones that do as they are told."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.server
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import hl7
from hl7.mllp import HL7StreamReader, HL7StreamWriter, start_hl7_server

START, END = b"\x0b", b"\x1c\x0d"


@dataclass
class Listener:
    """Where it listens, and what came."""

    port: int
    received: list[bytes] = field(default_factory=list)


@contextmanager
def hl7_listener(
    port: int = 0,
    answer: str = "AA",
    context: ssl.SSLContext | None = None,
    encoding: str = "utf-8",
    script: Sequence[tuple[str, str]] = (),
) -> Iterator[Listener]:
    """The MLLP server of the package hl7 (python-hl7): it parses each message, and acknowledges it. `script`: code and
    further segments of each acknowledgement, those of the last for ever; without it the code `answer`."""
    left = list(script) or [(answer, "")]
    seen, started, stop = Listener(port), threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    writers: list[HL7StreamWriter] = []

    async def handle(reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                message = await reader.readmessage()
                seen.received.append(str(message).encode(encoding))
                code, more = left.pop(0) if len(left) > 1 else left[0]
                ack = str(message.create_ack(code)).rstrip("\r")
                writer.writemessage(hl7.parse(f"{ack}\r{more}" if more else ack))
                await writer.drain()
        writer.close()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        server = await start_hl7_server(handle, host="127.0.0.1", port=port, ssl=context, encoding=encoding)
        seen.port = server.sockets[0].getsockname()[1]
        started.set()
        async with server:
            await stop.wait()
            for writer in writers:  # senders may still hold their connections
                writer.transport.abort()
            await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="hl7-listener", daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield seen
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(10)
        with warnings.catch_warnings():  # a connection of the library that its loop has left open is no later test's
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


Act = Callable[[socket.socket, bytes], None]


@contextmanager
def scripted_listener(*acts: Act, port: int = 0, until: bytes = END) -> Iterator[Listener]:
    """A TCP server that reads until `until` has come and then does one act after the other, the last one for ever."""
    script = list(acts)
    server = socket.create_server(("127.0.0.1", port))
    seen = Listener(server.getsockname()[1])
    is_over = threading.Event()

    def serve_one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            came = b""
            while until not in came:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                came += chunk
            seen.received.append(came)
            act = script.pop(0) if len(script) > 1 else script[0]
            act(connection, came)

    def serve() -> None:
        while not is_over.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve_one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)


def answering(answer: bytes) -> Act:
    return lambda connection, came: connection.sendall(answer)


def hanging(seconds: float) -> Act:
    """Says nothing until the other side has left, or for so long."""

    def act(connection: socket.socket, came: bytes) -> None:
        connection.settimeout(seconds)
        while connection.recv(65536):
            pass

    return act


def closing(connection: socket.socket, came: bytes) -> None:
    """Closes without a word."""


def acknowledging(code: str = "AA", more: str = "") -> Act:
    """An acknowledgement of what came, and further segments."""

    def act(connection: socket.socket, came: bytes) -> None:
        text = came.strip(START + END).decode("utf-8", "replace")
        ack = str(hl7.parse(text).create_ack(code)).rstrip("\r") + f"\r{more}"
        connection.sendall(START + ack.encode() + END)

    return act


@dataclass
class Request:
    """One HTTP request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class WebServer:
    port: int
    requests: list[Request] = field(default_factory=list)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


WebAnswer = tuple[int, dict[str, str], bytes]


@contextmanager
def web_server(
    answer: Callable[[Request], WebAnswer], port: int = 0, context: ssl.SSLContext | None = None
) -> Iterator[WebServer]:
    """Answers each request as `answer` says."""
    seen = WebServer(port)

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            seen.requests.append(request)
            status, headers, content = answer(request)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = handle_one  # noqa: N815 - the names are those of http.server

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    seen.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
