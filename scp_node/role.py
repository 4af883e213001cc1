"""One process of the node: the receiver or a worker, from settings to running parts and back down again.

Start order is bottom up, stop order top down; nothing here decides anything about images.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from scp_node.deliver.scu import Sender
from scp_node.engine.dispatcher import Dispatcher
from scp_node.engine.jobs import IMAGES_QUEUE, STUDIES_QUEUE, JobQueue, delivery_queue
from scp_node.engine.reconciler import Reconciler
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.errors import ConfigurationError, HilumError, ModelUnusable
from scp_node.inference.decode_pool import DecodePool
from scp_node.inference.library import shipped_models_dir
from scp_node.inference.shelf import ModelShelf
from scp_node.ledger import Ledger
from scp_node.ledger.database import default_url, open_database
from scp_node.logs import configure_logging
from scp_node.previews import PreviewStore
from scp_node.receive.scp import Receiver
from scp_node.settings import Settings
from scp_node.settings_file import SettingsSource
from scp_node.spool import Spool
from scp_node.workflow.delivery_job import bury_delivery, run_delivery_job
from scp_node.workflow.image_job import bury_image, run_image_job
from scp_node.workflow.parts import Parts
from scp_node.workflow.study_job import bury_study, plan_report, run_study_job

log = logging.getLogger(__name__)
ROLES = ("receiver", "worker")
LOCK_WAIT_S = 60.0
DELIVERY_ATTEMPTS_MAX = 100_000


class Signals:
    """SIGTERM and SIGINT ask to stop, SIGHUP to reload, and so does the end of standard input: the supervisor holds
    the other end, so that no role outlives it."""

    def __init__(self, on_reload: Callable[[], None]) -> None:
        self._on_reload = on_reload
        self._stop = threading.Event()
        self._reload = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        signal.signal(signal.SIGHUP, self._ask_reload)
        threading.Thread(target=self._watch_parent, name="parent-watch", daemon=True).start()

    def wait(self) -> None:
        while not self._stop.wait(0.5):
            if self._reload:
                self._reload = False
                self._on_reload()

    def _ask_reload(self, *_: object) -> None:
        self._reload = True

    def _watch_parent(self) -> None:
        while os.read(sys.stdin.fileno(), 64):
            pass
        self._stop.set()


@contextmanager
def exclusive(path: Path, wait_s: float) -> Iterator[None]:
    """Hold a lock file, waiting for a predecessor that is still ending. Raises ConfigurationError when it stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    deadline = time.monotonic() + wait_s
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConfigurationError(f"{path.parent} is in use by another node") from None
                time.sleep(0.1)
        yield


def database_url(settings: Settings) -> str:
    return settings.storage.database_url or default_url(settings.node.data_dir)


def open_spool(settings: Settings) -> Spool:
    storage = settings.storage
    return Spool(settings.node.data_dir / "spool", storage.used_percent_max, storage.free_bytes_min)


def models_dir(settings: Settings) -> Path:
    return settings.inference.models_dir or shipped_models_dir()


def run_receiver(source: SettingsSource) -> None:
    """Take in objects until asked to stop."""
    settings = source.current
    with ExitStack() as stack:
        engine = open_database(database_url(settings))
        stack.callback(engine.dispose)
        ledger = Ledger(engine)
        jobs = JobQueue(ledger)
        stack.callback(jobs.close)
        spool = open_spool(settings)
        spool.sweep_parts()
        receiver = Receiver(settings, spool, ledger, jobs)
        signals = Signals(lambda: receiver.reload(source.current) if source.reload() else None)
        receiver.start()
        stack.callback(receiver.stop, settings.workers.drain_s)
        log.info(
            "receiver ready",
            extra={"ae_title": settings.node.ae_title, "bind": settings.node.bind, "port": receiver.port},
        )
        signals.wait()


def run_worker(source: SettingsSource) -> None:
    """Analyse, report and deliver until asked to stop."""
    settings = source.current
    with ExitStack() as stack:
        engine = open_database(database_url(settings))
        stack.callback(engine.dispose)
        ledger = Ledger(engine)
        jobs = JobQueue(ledger)
        stack.callback(jobs.close)
        models = ModelShelf(models_dir(settings), settings.inference)
        stack.callback(models.close)
        models.load({route.model for route in settings.routes})
        limits = settings.inference
        pool = DecodePool(
            limits.decode_processes, limits.decode_memory_bytes_max, limits.decode_cpu_s_max, limits.decode_timeout_s
        )
        stack.callback(pool.close)
        sender = Sender(settings)
        stack.callback(sender.close)
        previews = PreviewStore(settings.node.data_dir / "previews")
        parts = Parts(lambda: source.current, ledger, jobs, open_spool(settings), previews, models, pool, sender)
        runner = JobRunner(ledger, jobs, job_kinds(parts, settings.workers.attempts_max), settings.workers.attempts_max)
        dispatcher = Dispatcher(engine, f"{socket.gethostname()}-worker-1", runner, settings.workers.poll_s)
        reconciler = Reconciler(ledger, jobs, partial(report_again, parts), settings.workers.reconcile_s)

        def reload() -> None:
            if source.reload():
                models.load({route.model for route in source.current.routes})
                sender.reload(source.current)
                dispatcher.listen(queues(source.current))

        signals = Signals(reload)
        dispatcher.start(queues(settings))
        stack.callback(dispatcher.stop, settings.workers.drain_s)
        reconciler.start()
        stack.callback(reconciler.stop)
        log.info("worker ready", extra={"models": models.labels(), "provider": models.provider()})
        signals.wait()


def job_kinds(parts: Parts, attempts_max: int) -> dict[str, JobWork]:
    """The three kinds of jobs: what each does, what its death means, and how often it may fail unexpectedly.
    A delivery is given up by the clock (delivery.give_up_after_h), so its count only stops a runaway."""
    return {
        "image": JobWork(partial(run_image_job, parts), partial(bury_image, parts), attempts_max),
        "study": JobWork(partial(run_study_job, parts), partial(bury_study, parts), attempts_max),
        "delivery": JobWork(partial(run_delivery_job, parts), partial(bury_delivery, parts), DELIVERY_ATTEMPTS_MAX),
    }


def report_again(parts: Parts, study_instance_uid: str, route: str) -> None:
    """Enqueue the report of a study whose job was lost."""
    with parts.ledger.transaction() as tx:
        plan_report(tx, parts, study_instance_uid, f"{route}-{time.time_ns()}")


def queues(settings: Settings) -> dict[str, int]:
    """Queue name to concurrency. A destination that is no longer routed to keeps its queue: old deliveries end."""
    workers = settings.workers
    return {IMAGES_QUEUE: workers.images, STUDIES_QUEUE: workers.studies} | {
        delivery_queue(name): workers.deliveries for name in settings.remote_aes
    }


def main(role: str, config: Path) -> int:
    """Entry point of a role process; the exit code 2 tells the supervisor that starting again is no use."""
    source = SettingsSource(config)
    configure_logging(source.current.logging.level, source.current.logging.format)
    run = {"receiver": run_receiver, "worker": run_worker}[role]
    try:
        with exclusive(source.current.node.data_dir / "locks" / f"{role}.lock", LOCK_WAIT_S):
            run(source)
    except (ConfigurationError, ModelUnusable) as error:
        log.error("cannot start", extra={"role": role, "reason": str(error)})
        return ConfigurationError.exit_code
    except HilumError as error:
        log.error("role ended", extra={"role": role, "code": error.code, "reason": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
