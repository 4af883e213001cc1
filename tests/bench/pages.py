"""What pages of the console cost the server with many studies and with few, and what one costs that stays open."""

from __future__ import annotations

import http.client
import os
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from scp_node.ledger import Ledger
from scp_node.settings import Web
from scp_node.storage.spool import Spool
from scp_node.web.access.cookies import NAME
from scp_node.web.application import build_app
from scp_node.web.database_watch import DatabaseWatch
from scp_node.web.live import LOOK_EVERY_S, LiveNow
from scp_node.web.server import WebServer
from tests.bench.workplace import Record, Workplace
from tests.support.ledger.done_studies import finished_studies
from tests.support.ledger.ledgers import new_ledger
from tests.support.peers.ports import free_port
from tests.support.waiting import until
from tests.support.web.contexts import web_context
from tests.support.web.visitors import session_of

# The second list is of what no study has: nothing is found until the whole year was looked at.
PAGES = {
    "Now": "/",
    "Studies": "/studies",
    "Studies, dead letters": "/studies?dead=1",
    "Work": "/jobs",
    "Remote AEs": "/remote-aes",
}
LIVE = "one open page Now"
FEW, MANY, QUICK_MANY = 100, 100_000, 5_000
DAYS = 365
REQUESTS, QUICK_REQUESTS = 40, 10
ROUNDS, QUICK_ROUNDS = 3, 1
LIVE_S, QUICK_LIVE_S = 20.0, 4.0
TIMEOUT_S = 60


class NoFiles:
    """Stands for a spool: pages look at no file, and a year of them takes long to write."""

    room = type("Room", (), {"took": lambda self, count: None})()

    def path(self, name: str) -> Path:
        return Path(os.devnull)


def measure(workplace: Workplace) -> list[Record]:
    many = QUICK_MANY if workplace.quick else MANY
    records: list[Record] = []
    with workplace.fresh_folder() as folder, made(folder / "few", FEW) as few, made(folder / "many", many) as lots:
        workplace.say(f"pages: {many} studies made")
        for number in range(QUICK_ROUNDS if workplace.quick else ROUNDS):
            for case, path in PAGES.items():
                times: dict[str, list[float]] = {"few_ms": [], "many_ms": []}
                for _ in range(QUICK_REQUESTS if workplace.quick else REQUESTS):
                    times["few_ms"].append(asked_ms(few, path))
                    times["many_ms"].append(asked_ms(lots, path))
                record: Record = {"round": number, "case": case, "peer": "Hilum"}
                records.append(record | {name: statistics.median(found) for name, found in times.items()})
            live = live_core_percent(lots, QUICK_LIVE_S if workplace.quick else LIVE_S)
            records.append({"round": number, "case": LIVE, "peer": "Hilum", "core_percent": live})
            workplace.say(f"pages: round {number + 1} done")
    return records


@dataclass(frozen=True)
class Console:
    """A server whose pages look anew at each request."""

    port: int
    live: LiveNow
    session: str


@contextmanager
def made(folder: Path, studies: int) -> Iterator[Console]:
    """A console over a ledger with so many studies of one year, as many each day."""
    folder.mkdir(parents=True)
    ledger = new_ledger(folder)
    enter(ledger, studies)
    app = build_app(web_context(folder, ledger, DatabaseWatch(ledger)), list)
    live = cast(LiveNow, app.state.live)
    live.look_every_s = 0.0
    server = WebServer(Web(port=free_port()), app)
    live.start()
    server.start()
    until(lambda: live.tally.is_whole, "seven days are counted")
    try:
        yield Console(server.port, live, session_of(ledger, "admin"))
    finally:
        live.close()
        server.stop()
        ledger.engine.dispose()


def enter(ledger: Ledger, studies: int) -> None:
    spool, now = cast(Spool, NoFiles()), datetime.now(UTC)
    for day in range(DAYS):
        numbers = range(day * studies // DAYS, (day + 1) * studies // DAYS)
        if numbers:
            with ledger.transaction() as tx:
                at = now - timedelta(days=DAYS - 1 - day, minutes=1)
                finished_studies(tx, spool, [number + 1 for number in numbers], at, 9_000_000, 10_000)


def asked_ms(console: Console, path: str) -> float:
    """From the request to the last byte of its answer, on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", console.port, timeout=TIMEOUT_S)
    try:
        connection.connect()
        began = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": f"{NAME}={console.session}"})
        response = connection.getresponse()
        response.read()
        took_s = time.perf_counter() - began
    finally:
        connection.close()
    if response.status != 200:
        raise RuntimeError(f"{path} was answered with {response.status}")
    return 1000 * took_s


def live_core_percent(console: Console, seconds: float) -> float:
    """What one open page Now costs while nothing happens, above a server that nobody asks; of one core."""
    console.live.look_every_s = LOOK_EVERY_S
    try:
        idle = _cpu_percent(seconds)
        connection = http.client.HTTPConnection("127.0.0.1", console.port, timeout=TIMEOUT_S)
        connection.request("GET", "/events/now", headers={"Cookie": f"{NAME}={console.session}"})
        response = connection.getresponse()
        threading.Thread(target=_read_all, args=(response,), daemon=True).start()
        time.sleep(LOOK_EVERY_S)
        found = _cpu_percent(seconds) - idle
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        until(lambda: not console.live.listeners, "the stream has ended", timeout_s=TIMEOUT_S)
    finally:
        console.live.look_every_s = 0.0
    return max(0.0, found)


def _read_all(response: http.client.HTTPResponse) -> None:
    with suppress(OSError, ValueError, AttributeError, http.client.HTTPException):
        while response.read1(65536):
            pass


def _cpu_percent(seconds: float) -> float:
    began, cpu = time.perf_counter(), time.process_time()
    time.sleep(seconds)
    return 100 * (time.process_time() - cpu) / (time.perf_counter() - began)
