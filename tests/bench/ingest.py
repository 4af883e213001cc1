"""Ingest: how fast each receiver takes images in, and what that costs it. No peer analyses anything here."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench import cost, loads
from tests.bench.load_client import Stream, send
from tests.bench.loads import CR, DX, DX_J2K, DX_JPEG, Load
from tests.bench.peers.dcmtk import StoreSCP, StoreSCPNoDelay, StoreSCPTuned
from tests.bench.peers.hilum import HilumReceiver
from tests.bench.peers.orthanc import OrthancPeer
from tests.bench.peers.process import PeerProcess
from tests.bench.peers.pynetdicom_app import PynetdicomStoreSCP
from tests.bench.workplace import Record, Workplace, running

ROUNDS, QUICK_ROUNDS = 5, 1
# Share of the stores of a case that a quick run sends.
QUICK_SHARE = 0.34
# Work that a peer does after its last answer is its cost all the same.
SETTLE_S = 0.3
PEERS: tuple[type[PeerProcess], ...] = (
    HilumReceiver,
    StoreSCP,
    StoreSCPNoDelay,
    StoreSCPTuned,
    OrthancPeer,
    PynetdicomStoreSCP,
)


@dataclass(frozen=True)
class Case:
    """One load over so many associations; `stores` images over each."""

    name: str
    load: Load
    associations: int
    stores: int
    association_per_image: bool = False
    quick_ack: bool = False

    def stream(self, workplace: Workplace) -> Stream:
        stores = max(2, round(self.stores * QUICK_SHARE)) if workplace.quick else self.stores
        pictures = loads.images(self.load, workplace.loads)
        return Stream(pictures, self.associations, stores, self.association_per_image, quick_ack=self.quick_ack)


CASES = (
    Case("DX, 1 association", DX, 1, 24),
    Case("DX, 4 associations", DX, 4, 10),
    Case("DX, 8 associations", DX, 8, 6),
    Case("DX JPEG lossless, 1 association", DX_JPEG, 1, 30),
    Case("DX JPEG 2000, 1 association", DX_J2K, 1, 30),
    Case("CR, 1 association", CR, 1, 100),
    Case("CR, one association per image, 4 at once", CR, 4, 25, association_per_image=True),
    Case("DX, 1 association, sender acknowledges at once", DX, 1, 24, quick_ack=True),
)


def measure(workplace: Workplace) -> list[Record]:
    """All cases at all peers, in shuffled order, `ROUNDS` times with new peers each time."""
    records: list[Record] = []
    for number in range(QUICK_ROUNDS if workplace.quick else ROUNDS):
        with workplace.fresh_folder() as folder, ExitStack() as stack:
            peers = [stack.enter_context(running(peer(), folder)) for peer in PEERS]
            for peer in peers:
                _store(peer, Case("warm-up", CR, 1, 2), workplace)
            for case in workplace.shuffled(CASES):
                for peer in workplace.shuffled(peers):
                    records.append(
                        {"round": number, "case": case.name, "peer": peer.name, **_store(peer, case, workplace)}
                    )
        workplace.say(f"ingest: round {number + 1} done")
    return records


def _store(peer: PeerProcess, case: Case, workplace: Workplace) -> Record:
    stream = case.stream(workplace)
    first_number = workplace.numbers(stream.associations * stream.stores)
    os.sync()
    before = cost.cpu_s(peer.pids)
    try:
        sent = send(peer.port, peer.ae_title, stream, first_number)
    except RuntimeError as error:
        workplace.say(f"ingest: {peer.name}, {case.name}: {error}")
        return {"failed": str(error)}
    began = time.perf_counter()
    os.sync()
    until_on_disk_s = sent.wall_s + time.perf_counter() - began
    time.sleep(SETTLE_S)
    after = cost.cost(peer.pids)
    return {
        **sent.figures(),
        "durable_mb_per_s": sent.bytes / 1e6 / until_on_disk_s,
        "cpu_s_per_gb": (after.cpu_s - before) / (sent.bytes / 1e9),
        "memory_mb": after.memory_mb,
    }
