"""Under load: what a study costs when very many wait, and how long senders wait while the model is busy."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
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
# A node that has just started works slower: reports, or images of the short queue, that come before the clock starts.
SKIPPED, SKIPPED_IMAGES = 15, 50
STORES, QUICK_STORES, PAUSE_S = 300, 40, 0.02
POLL_S, WAIT_S = 0.05, 300.0
_SENT = sa.select(sa.func.count()).where(tables.delivery.c.state.in_(("sent", "committed")))
_JUDGED = sa.select(sa.func.count()).select_from(tables.analysis)


class Sample(NamedTuple):
    """How far a node has come, and what it has used."""

    ms: float
    cpu_ms: float
    images: int
    reports: float


def measure(workplace: Workplace) -> list[Record]:
    records: list[Record] = []
    many = QUICK_MANY if workplace.quick else MANY
    with workplace.fresh_folder() as folder:
        prepared = {waiting: _prepare(workplace, folder, waiting) for waiting in (FEW + SKIPPED_IMAGES, many)}
        for number in range(QUICK_ROUNDS if workplace.quick else ROUNDS):
            for waiting in workplace.shuffled(prepared):
                is_long = waiting == many
                samples = _work_off(workplace, prepared[waiting], FEW if is_long else waiting)
                record = spent(samples) if is_long else prices(samples)
                case = "many" if is_long else "few"
                records.append({"round": number, "case": case, "waiting": waiting, "peer": "Hilum", **record})
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


def _work_off(workplace: Workplace, prepared: Path, reports: int) -> list[Sample]:
    """Let a node loose on the queue and watch it until so many reports are sent."""
    with workplace.fresh_folder() as folder, running(StoreSCPNoDelay(), folder) as archive:
        _copy(prepared, folder)
        node = HilumNode((archive.ae_title, archive.port), **AT_ONCE)
        try:
            node.start(folder)
            return _watch(node, reports)
        finally:
            node.stop()


def _watch(node: HilumReceiver, reports: int) -> list[Sample]:
    """One sample after the other until so many reports are sent."""
    ledger, deadline = node.ledger(), time.monotonic() + WAIT_S
    samples: list[Sample] = []
    try:
        while not samples or samples[-1].reports < reports:
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{samples[-1].reports} of {reports} reports in {WAIT_S:.0f} s:\n{node.log()[-2000:]}"
                )
            with ledger.reading() as tx:
                images = tx.connection.execute(_JUDGED).scalar_one()
                sent = tx.connection.execute(_SENT).scalar_one()
            # a study has two deliveries, its report and its heat map
            samples.append(Sample(1000 * time.perf_counter(), 1000 * cost.cpu_s(node.pids), images, sent / 2))
            time.sleep(POLL_S)
    finally:
        ledger.engine.dispose()
    return samples


def prices(samples: list[Sample]) -> Record:
    """What an image and a report cost, by least squares over a run. Images are judged ahead of reports, the more so the
    more of them wait: a cost per study alone would compare different mixtures of work."""
    samples = [sample for sample in samples if sample.images >= SKIPPED_IMAGES]
    work = np.array([(sample.images, sample.reports, 1.0) for sample in samples])
    record: Record = {}
    for key in ("ms", "cpu_ms"):
        used = np.array([getattr(sample, key) for sample in samples])
        image, report, _ = np.linalg.lstsq(work, used - used[0], rcond=None)[0]
        record |= {f"image_{key}": float(image), f"report_{key}": float(report)}
    return record


def spent(samples: list[Sample]) -> Record:
    """What a run used from its first report on, and what for."""
    first = next(sample for sample in samples if sample.reports >= SKIPPED)
    last = samples[-1]
    return {key: getattr(last, key) - getattr(first, key) for key in ("ms", "cpu_ms", "images", "reports")}


def _store_while(workplace: Workplace, state: str, prepared: Path) -> Record:
    """C-STOREs one after the other, with a pause, to a receiver whose node is idle or works on a long queue."""
    stores = QUICK_STORES if workplace.quick else STORES
    with workplace.fresh_folder() as folder, running(StoreSCPNoDelay(), folder) as archive:
        kind = HilumNode if state == "saturated" else HilumReceiver
        node: HilumReceiver = kind((archive.ae_title, archive.port), **AT_ONCE)
        _copy(prepared, folder)
        try:
            node.start(folder)
            stream = Stream(loads.images(CR, workplace.loads), 1, stores, pause_s=PAUSE_S)
            if state == "saturated":
                _watch(node, SKIPPED)
            sent = send(node.port, node.ae_title, stream, workplace.numbers(stores))
        finally:
            node.stop()
    return sent.figures()
