"""What an open association costs a receiver: CPU time while nobody says anything, memory while images are half sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.bench import cost, loads
from tests.bench.ingest import PEERS
from tests.bench.load_client import SenderConnection
from tests.bench.loads import DX, Image
from tests.bench.peers.process import PeerProcess
from tests.bench.workplace import Record, Workplace, running

ROUNDS, QUICK_ROUNDS = 3, 1
IDLE_ASSOCIATIONS, IDLE_S, QUICK_IDLE_S = 8, 20.0, 4.0
# Memory is compared between one association and this many, each with half of a DX image sent.
BUSY_ASSOCIATIONS, QUICK_BUSY_ASSOCIATIONS = 33, 9
SETTLE_S, QUICK_SETTLE_S = 1.0, 0.3


def measure(workplace: Workplace) -> list[Record]:
    records: list[Record] = []
    image = loads.images(DX, workplace.loads)[0]
    for number in range(QUICK_ROUNDS if workplace.quick else ROUNDS):
        with workplace.fresh_folder() as folder, ExitStack() as stack:
            peers = [stack.enter_context(running(peer(), folder)) for peer in PEERS]
            for peer in peers:
                with _open(peer, 1, image) as connections:
                    connections[0].store_image(image, workplace.numbers(1))
            records += [{"round": number, **record} for record in _idle(peers, image, workplace)]
            for peer in workplace.shuffled(peers):
                record: Record = {"round": number, "case": "memory", "peer": peer.name}
                try:
                    record |= _memory(peer, image, workplace)
                except OSError as error:
                    workplace.say(f"idle: {peer.name}: {error}")
                    record["failed"] = str(error)
                records.append(record)
        workplace.say(f"idle: round {number + 1} done")
    return records


@contextmanager
def _open(peer: PeerProcess, count: int, image: Image) -> Iterator[list[SenderConnection]]:
    """So many associations with a peer, closed without a word at the end."""
    with ExitStack() as stack:
        yield [stack.enter_context(SenderConnection(peer.port, peer.ae_title, [image])) for _ in range(count)]


def _idle(peers: list[PeerProcess], image: Image, workplace: Workplace) -> list[Record]:
    """All peers over the same seconds, each with its own idle associations."""
    counts = {peer.name: min(IDLE_ASSOCIATIONS, peer.associations_max or IDLE_ASSOCIATIONS) for peer in peers}
    with ExitStack() as stack:
        for peer in peers:
            stack.enter_context(_open(peer, counts[peer.name], image))
        time.sleep(SETTLE_S)
        began, before = time.perf_counter(), [cost.cost(peer.pids) for peer in peers]
        time.sleep(QUICK_IDLE_S if workplace.quick else IDLE_S)
        after, took_s = [cost.cost(peer.pids) for peer in peers], time.perf_counter() - began
    return [
        {
            "case": "idle",
            "peer": peer.name,
            "associations": counts[peer.name],
            "core_percent": 100 * (later.cpu_s - earlier.cpu_s) / took_s,
            "threads": later.threads,
            "descriptors": later.descriptors,
        }
        for peer, earlier, later in zip(peers, before, after, strict=True)
    ]


def _memory(peer: PeerProcess, image: Image, workplace: Workplace) -> Record:
    busy = QUICK_BUSY_ASSOCIATIONS if workplace.quick else BUSY_ASSOCIATIONS
    few, many = 1, min(busy, peer.associations_max or busy)
    settle_s = QUICK_SETTLE_S if workplace.quick else SETTLE_S
    used: dict[int, float] = {}
    for count in (few, many):
        with _open(peer, count, image) as connections:
            for connection in connections:
                connection.begin_image(image, workplace.numbers(1))
            time.sleep(settle_s)
            used[count] = cost.cost(peer.pids).anonymous_mb
        time.sleep(settle_s)
    return {
        "associations": many,
        "anonymous_mb": used[many],
        "mb_per_association": (used[many] - used[few]) / (many - few),
    }
