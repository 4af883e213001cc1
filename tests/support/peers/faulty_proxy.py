"""A proxy that passes on bytes of TCP, or what a network and a store do instead when they fail."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from contextlib import suppress
from typing import Literal

from tests.support.peers.ports import free_port

Fault = Literal["", "503", "delay", "cut", "cut-answer", "refuse"]
CUT_AFTER_BYTES, DELAY_S = 20_000, 30.0
_UNAVAILABLE = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 40\r\nConnection: close\r\n\r\n"
    b"<Error><Code>SlowDown</Code></Error>    "
)


class FaultyProxy:
    """Between a client and a server of this machine. `fault` may be changed at any time, for what comes then.

    503: answered so. delay: nothing is answered. cut: ends in the middle of what one of them sends. cut-answer: the
    server gets all of it, and its answer is lost. refuse: nobody listens.
    """

    def __init__(self, server_port: int) -> None:
        self.server_port, self.port = server_port, free_port()
        self._fault: Fault = ""
        self._listener: _Listener | None = None

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._fault = fault
        if fault == "refuse":
            self.stop()
        elif self._listener is None:
            self.start()
        else:
            self._listener.hang_up()

    def start(self) -> None:
        self._listener = _Listener(("127.0.0.1", self.port), _Connection)
        self._listener.proxy = self
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._listener is not None:
            self._listener.hang_up()
            self._listener.shutdown()
            self._listener.server_close()
            self._listener = None


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    proxy: FaultyProxy

    def __init__(self, address: tuple[str, int], handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(address, handler)
        self.open: set[socket.socket] = set()

    def hang_up(self) -> None:
        """End what is open: a kept connection would not know of the next fault."""
        for one in list(self.open):
            _close(one)


class _Connection(socketserver.BaseRequestHandler):
    server: _Listener

    def handle(self) -> None:
        client: socket.socket = self.request
        proxy = self.server.proxy
        self.server.open.add(client)
        try:
            if proxy.fault == "503":
                client.recv(2**16)
                client.sendall(_UNAVAILABLE)
                client.shutdown(socket.SHUT_WR)
                while client.recv(2**16):
                    pass
            elif proxy.fault == "delay":
                time.sleep(DELAY_S)
            else:
                self._pass_on(client, proxy)
        except OSError:
            pass
        finally:
            self.server.open.discard(client)
            _close(client)

    def _pass_on(self, client: socket.socket, proxy: FaultyProxy) -> None:
        with socket.create_connection(("127.0.0.1", proxy.server_port)) as server:
            answers = threading.Thread(target=self._answer, args=(server, client, proxy), daemon=True)
            answers.start()
            sent = 0
            while data := client.recv(2**14):
                sent += len(data)
                if proxy.fault == "cut" and sent > CUT_AFTER_BYTES:
                    return
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            answers.join(DELAY_S)

    def _answer(self, server: socket.socket, client: socket.socket, proxy: FaultyProxy) -> None:
        try:
            answered = 0
            while data := server.recv(2**14):
                answered += len(data)
                is_lost = proxy.fault == "cut-answer" and b" 100 " not in data[:16]
                if is_lost or (proxy.fault == "cut" and answered > CUT_AFTER_BYTES):
                    _close(client)
                    return
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
