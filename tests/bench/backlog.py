"""Under load: what a study costs when very many wait, and how long senders wait while the model is busy."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import sqlalchemy as sa

from scp_node.ledger import tables
from tests.bench import cost, loads
from tests.bench.load_client import Stream, send
from tests.bench.loads import CR, SMALL
from tests.bench.peers.dcmtk import StoreSCPNoDelay
from tests.bench.peers.hilum import AT_ONCE, HilumNode, HilumReceiver
from tests.bench.workplace import Record, Workplace, running

ROUNDS, QUICK_ROUNDS = 3, 1
FEW, MANY, QUICK_MANY = 100, 10_000, 400
# Studies that are finished before the clock starts, and those that are measured: fewer than FEW together.
SKIPPED, MEASURED, QUICK_MEASURED = 15, 75, 20
STORES, QUICK_STORES, PAUSE_S = 300, 40, 0.02
POLL_S, WAIT_S = 0.05, 300.0
_SENT = sa.select(sa.func.count()).where(tables.delivery.c.state.in_(("sent", "committed")))
_JUDGED = sa.select(sa.func.count()).where(tables.instance.c.state.in_(("inferred", "reported")))


def measure(workplace: Workplace) -> list[Record]:
    records: list[Record] = []
    many = QUICK_MANY if workplace.quick else MANY
    with workplace.fresh_folder() as folder:
        prepared = {waiting: _prepare(workplace, folder, waiting) for waiting in (FEW, many)}
        for number in range(QUICK_ROUNDS if workplace.quick else ROUNDS):
            for waiting in workplace.shuffled(prepared):
                record = _work_off(workplace, prepared[waiting])
                depth = "few" if waiting == FEW else "many"
                records.append({"round": number, "case": depth, "waiting": waiting, "peer": "Hilum", **record})
            for state in workplace.shuffled(("idle", "saturated")):
                record = _store_while(workplace, state, prepared[many])
                records.append({"round": number, "case": state, "peer": "Hilum", **record})
            workplace.say(f"backlog: round {number + 1} done")
    return records


def _prepare(workplace: Workplace, folder: Path, waiting: int) -> Path:
    """A data folder in which so many received images wait for a worker."""
    place = folder / f"waiting-{waiting}"
    place.mkdir()
    receiver = HilumReceiver()
    receiver.start(place)
    try:
        stream = Stream(loads.images(SMALL, workplace.loads), 2, waiting // 2)
        send(receiver.port, receiver.ae_title, stream, workplace.numbers(waiting))
    finally:
        receiver.stop()
    workplace.say(f"backlog: {waiting} images wait")
    return receiver.data_dir


def _copy(prepared: Path, place: Path) -> None:
    shutil.copytree(prepared, place / "data", copy_function=shutil.copyfile)
    os.sync()


def _work_off(workplace: Workplace, prepared: Path) -> Record:
    """Let a node loose on the queue; cost and time of a study, from one result to a later one."""
    with workplace.fresh_folder() as folder, running(StoreSCPNoDelay(), folder) as archive:
        _copy(prepared, folder)
        node = HilumNode((archive.ae_title, archive.port), **AT_ONCE)
        try:
            node.start(folder)
            ledger = node.ledger()
            marks = [
                _wait_for(ledger.engine, node, SKIPPED + extra)
                for extra in (0, QUICK_MEASURED if workplace.quick else MEASURED)
            ]
            ledger.engine.dispose()
        finally:
            node.stop()
    (began, cpu_began, judged_began, done_began), (ended, cpu_ended, judged_ended, done_ended) = marks
    # an image that was judged and a study that was delivered are half a study's work each: queues run side by side
    studies = ((judged_ended - judged_began) + (done_ended - done_began)) / 2
    return {
        "studies": studies,
        "cpu_ms_per_study": 1000 * (cpu_ended - cpu_began) / studies,
        "ms_per_study": 1000 * (ended - began) / studies,
    }


def _wait_for(engine: sa.Engine, node: HilumNode, studies: int) -> tuple[float, float, int, int]:
    """Wait for so many reports to be sent: (moment, CPU seconds of the node, images judged, reports sent)."""
    deadline = time.monotonic() + WAIT_S
    while True:
        with engine.connect() as tx:
            sent = tx.execute(_SENT).scalar_one()
            judged = tx.execute(_JUDGED).scalar_one()
        # a study has two deliveries, its report and its heat map
        if sent >= 2 * studies:
            return time.perf_counter(), cost.cpu_s(node.pids), judged, sent // 2
        if time.monotonic() > deadline:
            raise RuntimeError(f"{sent // 2} of {studies} studies within {WAIT_S:.0f} s:\n{node.log()[-2000:]}")
        time.sleep(POLL_S)


def _store_while(workplace: Workplace, state: str, prepared: Path) -> Record:
    """C-STOREs one after the other, with a pause, to a receiver whose node is idle or works on a long queue."""
    stores = QUICK_STORES if workplace.quick else STORES
    with workplace.fresh_folder() as folder, running(StoreSCPNoDelay(), folder) as archive:
        kind = HilumNode if state == "saturated" else HilumReceiver
        node = kind((archive.ae_title, archive.port), **AT_ONCE)
        _copy(prepared, folder)
        try:
            node.start(folder)
            stream = Stream(loads.images(CR, workplace.loads), 1, stores, pause_s=PAUSE_S)
            if state == "saturated":
                ledger = node.ledger()
                _wait_for(ledger.engine, node, SKIPPED)
                ledger.engine.dispose()
            sent = send(node.port, node.ae_title, stream, workplace.numbers(stores))
        finally:
            node.stop()
    return sent.figures()
