"""Uploads: what HTTP adds to the analysis of a film, and how long senders wait while uploads are at their limit."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import Queue
from multiprocessing.synchronize import Event

import httpx

from scp_node.analysis.policies import node_policy
from scp_node.analysis.predictor import Predictor
from scp_node.host.nameless_file import NamelessFile, path_of
from scp_node.host.processors import step_back
from scp_node.settings import Settings
from scp_node.web.access.cookies import NAME, csrf_of
from scp_node.web.access.guard import HEADER
from scp_node.web.pictures.workshop import NICENESS, Workshop
from tests.bench import loads
from tests.bench.load_client import Stream, send
from tests.bench.loads import CR
from tests.bench.peers.hilum import HilumReceiver
from tests.bench.workplace import Record, Workplace, running
from tests.support.peers.ports import free_port
from tests.support.web.contexts import DOCUMENT
from tests.support.web.pictures import dicom
from tests.support.web.visitors import session_of

ROUNDS, QUICK_ROUNDS = 5, 1
PREDICTED, QUICK_PREDICTED = 40, 8
STORES, QUICK_STORES, PAUSE_S = 300, 40, 0.02
# As many as web.uploads_max lets in, all the time.
AT_ONCE = 50
UNTIL_BUSY_S, TIMEOUT_S = 4.0, 600
NICENESS_OF_OTHERS = 19
BOUNDARY = "film-of-the-bench"


class ReceiverAndWeb(HilumReceiver):
    """`hilum serve` without a worker: senders and uploads meet, and nothing else."""

    roles = ("--only", "receiver", "--only", "web")

    def __init__(self) -> None:
        self.web_port = free_port()
        super().__init__(web={"port": self.web_port, "uploads_max": AT_ONCE, "request_timeout_s": 600})

    def _is_ready(self) -> bool:
        return super()._is_ready() and "web ready" in self.log()


def measure(workplace: Workplace) -> list[Record]:
    """Each round with a new node: films analysed here and by it, in turn; then images stored with and without uploads,
    in shuffled order."""
    film = dicom(rows=2500, columns=2048, PatientAge="003Y")
    records: list[Record] = []
    for number in range(QUICK_ROUNDS if workplace.quick else ROUNDS):
        with workplace.fresh_folder() as folder, running(ReceiverAndWeb(), folder) as node:
            records.append({"round": number, "case": "predict", "peer": "Hilum", **_predicted(workplace, node, film)})
            for state in workplace.shuffled(("without uploads", "uploads at their limit")):
                stored = _stored_while(workplace, node, state, film)
                records.append({"round": number, "case": state, "peer": "Hilum", **stored})
        workplace.say(f"uploads: round {number + 1} done")
    return records


def _predicted(workplace: Workplace, node: ReceiverAndWeb, film: bytes) -> Record:
    """Medians of the analysis alone, and of the same film over HTTP without and with its map."""
    document = {**DOCUMENT, "inference": {"gate": "note"}}
    with (
        ThreadPoolExecutor(1, initializer=_step_back) as one_thread,
        closing(Workshop(Settings.model_validate(document))) as workshop,
        _client(node.web_port, _session(node)) as client,
    ):
        model = one_thread.submit(workshop.models.get, "pneumonia").result()
        predictor = Predictor(model, workshop.decoding, node_policy(workshop.settings))

        def analyse() -> None:
            with NamelessFile() as file:
                file.write(film)
                assert predictor.predict(path_of(file.descriptor)).findings

        forms = {wanted: _form(film, wanted) for wanted in ("true", "false")}
        ways: dict[str, Callable[[], object]] = {
            "analysis_ms": lambda: one_thread.submit(analyse).result(),
            "predict_ms": lambda: _upload(client, forms["false"]),
            "predict_with_map_ms": lambda: _upload(client, forms["true"]),
        }
        for way in ways.values():
            way()
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(QUICK_PREDICTED if workplace.quick else PREDICTED):
            for name in workplace.shuffled(ways):
                began = time.perf_counter()
                ways[name]()
                took[name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(values) for name, values in took.items()}


def _step_back() -> None:
    """This thread, and those that it makes, so that what else runs here slows both ways alike; and clients, which are
    machines of their own elsewhere, take nothing from the node."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _stored_while(workplace: Workplace, node: ReceiverAndWeb, state: str, film: bytes) -> Record:
    """C-STOREs one after the other, with a pause, while AT_ONCE clients upload without one, or while nobody does."""
    stores = QUICK_STORES if workplace.quick else STORES
    stream = Stream(loads.images(CR, workplace.loads), 1, stores, pause_s=PAUSE_S)
    if state == "without uploads":
        return send(node.port, node.ae_title, stream, workplace.numbers(stores)).figures()
    form = _form(film, "false")
    spawned = multiprocessing.get_context("spawn")
    is_over, counts = spawned.Event(), spawned.Queue()
    uploaders = spawned.Process(target=_keep_uploading, args=(node.web_port, _session(node), form, is_over, counts))
    uploaders.start()
    try:
        time.sleep(UNTIL_BUSY_S)
        figures = send(node.port, node.ae_title, stream, workplace.numbers(stores)).figures()
    finally:
        is_over.set()
        done = counts.get(timeout=TIMEOUT_S)
        uploaders.join()
    return {**figures, "uploads": done.count(200), "refused_uploads": done.count(503)}


def _keep_uploading(port: int, secret: str, form: bytes, is_over: Event, counts: Queue[list[int]]) -> None:
    """AT_ONCE clients, in a session of their own: machines elsewhere would take nothing from the node."""
    os.setsid()
    step_back(NICENESS_OF_OTHERS)
    done: list[int] = []

    def keep_uploading(_: int) -> None:
        with _client(port, secret) as client:
            while not is_over.is_set():
                done.append(_upload(client, form, may_be_busy=True))

    with ThreadPoolExecutor(AT_ONCE) as clients:
        for one in [clients.submit(keep_uploading, number) for number in range(AT_ONCE)]:
            one.result()
    counts.put(done)


def _session(node: ReceiverAndWeb) -> str:
    """That of somebody who has signed in as a viewer."""
    ledger = node.ledger()
    secret = session_of(ledger, "viewer")
    ledger.engine.dispose()
    return secret


@contextmanager
def _client(port: int, secret: str) -> Iterator[httpx.Client]:
    url, cookies, headers = f"http://127.0.0.1:{port}", {NAME: secret}, {HEADER: csrf_of(secret)}
    with httpx.Client(base_url=url, cookies=cookies, headers=headers, timeout=TIMEOUT_S, trust_env=False) as client:
        yield client


def _form(film: bytes, heatmap: str) -> bytes:
    """Made beforehand: what a client needs to write one is not the node's time."""
    fields = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="heatmap"\r\n\r\n{heatmap}\r\n'
    file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="film.dcm"\r\n\r\n'
    return f"{fields}{file}".encode() + film + f"\r\n--{BOUNDARY}--\r\n".encode()


def _upload(client: httpx.Client, form: bytes, may_be_busy: bool = False) -> int:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = client.post("/api/predict", content=form, headers=headers)
    if answer.status_code != 200 and not (may_be_busy and answer.status_code == 503):
        raise RuntimeError(f"an upload was answered with {answer.status_code}: {answer.text[:300]}")
    return answer.status_code
