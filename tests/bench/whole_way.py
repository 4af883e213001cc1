"""The whole way: from the first byte of a study until its Structured Report is visible in the archive."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import cost, loads
from tests.bench.archive_watch import BURST_POLL_S, ArchiveWatch
from tests.bench.held_memory import MB, HeldMemory
from tests.bench.load_client import SenderConnection, Stream, percentile, send
from tests.bench.loads import DX, DX_JPEG, Image, Load
from tests.bench.peers.hilum import AT_ONCE, HilumNode
from tests.bench.peers.orthanc import OrthancPeer
from tests.bench.peers.orthanc_python import OrthancPython
from tests.bench.peers.plain_script import PlainScript
from tests.bench.peers.process import PeerProcess
from tests.bench.workplace import Record, Workplace, running

ROUNDS, QUICK_ROUNDS = 4, 1
WARM_UP, PACED = 3, 15
QUICK_WARM_UP, QUICK_PACED = 1, 2
BURST_ASSOCIATIONS, BURST_EACH, QUICK_BURST_EACH = 4, 6, 1
LOADS, QUICK_LOADS = (DX, DX_JPEG), (DX,)
REST_S = 0.3
# Ten times a DX image: what a study may take until its report is in the archive.
STUDY_MEMORY = 160 * MB
SYSTEMS = ("Hilum", "Orthanc + python", "plain script")


@dataclass(frozen=True)
class System:
    """`door` takes images, results appear in `archive`, which may be the same process."""

    door: PeerProcess
    archive: OrthancPeer

    @property
    def node_pids(self) -> list[int]:
        return self.door.pids

    @property
    def archive_pids(self) -> list[int]:
        return [] if self.archive is self.door else self.archive.pids


@contextmanager
def system(name: str, folder: Path) -> Iterator[System]:
    """A system of this name, started with an empty archive."""
    with ExitStack() as stack:
        if name == "Orthanc + python":
            both = stack.enter_context(running(OrthancPython(), folder))
            yield System(both, both)
            return
        archive = stack.enter_context(running(OrthancPeer(), folder))
        address = (archive.ae_title, archive.port)
        door = HilumNode(address, **AT_ONCE) if name == "Hilum" else PlainScript(address)
        yield System(stack.enter_context(running(door, folder)), archive)


def measure(workplace: Workplace) -> list[Record]:
    records: list[Record] = []
    for number in range(QUICK_ROUNDS if workplace.quick else ROUNDS):
        for load in workplace.shuffled(QUICK_LOADS if workplace.quick else LOADS):
            for name in workplace.shuffled(SYSTEMS):
                with workplace.fresh_folder() as folder, system(name, folder) as one:
                    record: Record = {"round": number, "case": load.name, "peer": name}
                    try:
                        record |= _measure_system(one, load, workplace)
                    except (RuntimeError, OSError) as error:
                        workplace.say(f"whole way: {name}, {load.name}: {error}\n{one.door.log()[-2000:]}")
                        record["failed"] = str(error)
                    records.append(record)
        workplace.say(f"whole way: round {number + 1} done")
    return records


def _measure_system(one: System, load: Load, workplace: Workplace) -> Record:
    pictures = loads.images(load, workplace.loads)
    for _ in range(QUICK_WARM_UP if workplace.quick else WARM_UP):
        store_to_result(one, pictures[0], workplace)
    count = QUICK_PACED if workplace.quick else PACED
    paced = [store_to_result(one, pictures[index % len(pictures)], workplace) for index in range(count)]
    return {
        "latencies_ms": [1000 * latency for latency in paced],
        "p50_ms": 1000 * percentile(paced, 0.5),
        "p99_ms": 1000 * percentile(paced, 0.99),
        **_burst(one, pictures, workplace),
    }


def store_to_result(one: System, image: Image, workplace: Workplace, heatmaps: int = 0) -> float:
    """Seconds from connecting until the report (and as many heat maps as asked for) of one study is visible."""
    watch = ArchiveWatch(one.archive)
    number = workplace.numbers(1)
    HeldMemory(STUDY_MEMORY).release()
    began = time.perf_counter()
    connection = SenderConnection(one.door.port, one.door.ae_title, [image])
    status = connection.store_image(image, number)
    if status != 0x0000:
        raise RuntimeError(f"status 0x{status:04X}")
    seen = watch.wait(1, heatmaps)
    connection.release()
    connection.socket.close()
    watch.wait(1, 1)
    time.sleep(REST_S)
    return seen - began


def _burst(one: System, pictures: list[Image], workplace: Workplace) -> Record:
    each = QUICK_BURST_EACH if workplace.quick else BURST_EACH
    studies = BURST_ASSOCIATIONS * each
    watch = ArchiveWatch(one.archive)
    node, archive = cost.cpu_s(one.node_pids), cost.cpu_s(one.archive_pids)
    began = time.perf_counter()
    send(one.door.port, one.door.ae_title, Stream(pictures, BURST_ASSOCIATIONS, each), workplace.numbers(studies))
    wall_s = watch.wait(studies, poll_s=BURST_POLL_S) - began
    watch.wait(studies, studies, BURST_POLL_S)
    time.sleep(REST_S)
    return {
        "studies_per_s": studies / wall_s,
        "node_cpu_ms": 1000 * (cost.cpu_s(one.node_pids) - node) / studies,
        "archive_cpu_ms": 1000 * (cost.cpu_s(one.archive_pids) - archive) / studies,
        "all_cpu_ms": 1000 * (cost.cpu_s(one.node_pids) + cost.cpu_s(one.archive_pids) - node - archive) / studies,
    }
