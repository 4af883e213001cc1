"""One process of the node: receiver, worker or web, from settings to running parts and back down again.

Start order is bottom up, stop order top down; nothing here decides anything about images.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import math
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from scp_node import metrics
from scp_node.certificates import certificate_expiry
from scp_node.commitments import CommitmentBook
from scp_node.deliver.scu import Sender
from scp_node.engine.dispatcher import Dispatcher
from scp_node.engine.jobs import IMAGES_QUEUE, STUDIES_QUEUE, JobQueue, commitment_queue, delivery_queue
from scp_node.engine.reconciler import Reconciler
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.engine.wakeup import Waker, WakeUps
from scp_node.errors import ConfigurationError, HilumError, ModelUnusable, OutOfResources
from scp_node.heartbeat import Heartbeat, status_folder
from scp_node.inference.decode_pool import DecodePool
from scp_node.inference.library import shipped_models_dir
from scp_node.inference.shelf import ModelShelf
from scp_node.ledger import Ledger
from scp_node.ledger.database import default_url, open_database
from scp_node.logs import configure_logging
from scp_node.previews import PreviewStore
from scp_node.processor_share import step_back
from scp_node.receive.scp import Receiver
from scp_node.role_pipe import Orders
from scp_node.room import RoomLimits
from scp_node.settings import Settings
from scp_node.spool import Spool
from scp_node.web.database_watch import DatabaseWatch
from scp_node.web.server import WebServer, build_app
from scp_node.workflow.commitment_job import bury_commitment, run_commitment_job
from scp_node.workflow.delivery_job import bury_delivery, run_delivery_job
from scp_node.workflow.image_job import bury_image, run_image_job
from scp_node.workflow.parts import Parts
from scp_node.workflow.study_job import bury_study, plan_report, run_study_job

log = logging.getLogger(__name__)
ROLES = ("receiver", "worker", "web")
LOCK_WAIT_S = 60.0
DELIVERY_ATTEMPTS_MAX = 100_000
PREVIEW_AGE_S = 86400.0


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
    limits = RoomLimits(
        storage.used_percent_max, storage.free_bytes_min, storage.inodes_free_percent_min, storage.spool_bytes_max
    )
    return Spool(settings.node.data_dir / "spool", limits)


def wakeup_path(settings: Settings) -> Path:
    """The pipe by which receiver and commands wake the worker of this data folder."""
    return settings.node.data_dir / "locks" / "worker.wakeup"


def worker_name(settings: Settings) -> str:
    """There is one worker for each data folder of a host, held by its lock."""
    folder = hashlib.sha256(str(settings.node.data_dir.resolve()).encode()).hexdigest()[:12]
    return f"{socket.gethostname()[:60]}-{folder}"


def models_dir(settings: Settings) -> Path:
    return settings.inference.models_dir or shipped_models_dir()


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Ledger, JobQueue]]:
    """Ledger and job queue over one database."""
    engine = open_database(database_url(settings))
    try:
        ledger = Ledger(engine)
        yield ledger, JobQueue(ledger)
    finally:
        engine.dispose()


def run_receiver(orders: Orders) -> None:
    """Take in objects until asked to stop."""
    settings = orders.settings
    heartbeat = Heartbeat(status_folder(settings.node.data_dir), "receiver", metrics.RECEIVER)
    with heartbeat, opened(settings) as (ledger, jobs), closing(Waker(wakeup_path(settings))) as waker:
        spool = open_spool(settings)
        reports = CommitmentBook(ledger, jobs)
        receiver = Receiver(settings, spool, ledger, jobs, reports=reports, after_commit=waker.wake)
        _measure(receiver, spool)
        receiver.start()
        try:
            log.info(
                "receiver ready",
                extra={"ae_title": settings.node.ae_title, "bind": settings.node.bind, "port": receiver.port},
            )
            heartbeat.ready_unless(lambda: receiver_obstacles(receiver, spool))
            orders.follow(receiver.reload)
        finally:
            heartbeat.stopping()
            receiver.stop(settings.workers.drain_s)


def receiver_obstacles(receiver: Receiver, spool: Spool) -> list[str]:
    """Why a sender should not come here now."""
    obstacles = [] if receiver.is_listening else ["does not listen"]
    try:
        spool.check_room()
    except OutOfResources as refusal:
        obstacles.append(f"takes no images: {refusal}")
    return obstacles


def _measure(receiver: Receiver, spool: Spool) -> None:
    def volume_bytes(count: str) -> float:
        volume = os.statvfs(spool.root)
        return float(getattr(volume, count) * volume.f_frsize)

    metrics.associations_open.set_function(lambda: receiver.association_count)
    metrics.connections_open.set_function(lambda: receiver.door.connections)
    metrics.spool_healthy.set_function(lambda: spool.healthy)
    metrics.spool_free_bytes.set_function(lambda: volume_bytes("f_bavail"))
    metrics.spool_disk_bytes.set_function(lambda: volume_bytes("f_blocks"))
    if receiver.settings.tls.profile != "off":
        metrics.certificate_expiry_seconds.labels("own").set_function(
            lambda: certificate_expires_in_s(receiver.settings)
        )


def certificate_expires_in_s(settings: Settings) -> float:
    """Seconds until this node's certificate expires; not a number where there is none that can be read."""
    certificate = settings.tls.certificate
    try:
        return math.nan if certificate is None else certificate_expiry(certificate).timestamp() - time.time()
    except (OSError, ValueError):
        return math.nan


def run_worker(orders: Orders) -> None:
    """Analyse, report and deliver until asked to stop."""
    settings, limits = orders.settings, orders.settings.inference
    step_back(settings.workers.niceness)
    cv2.setNumThreads(1)  # jobs are worked on side by side; one job needs no threads of its own
    with ExitStack() as stack:
        heartbeat = Heartbeat(status_folder(settings.node.data_dir), "worker", metrics.WORKER)
        stack.enter_context(heartbeat)
        ledger, jobs = stack.enter_context(opened(settings))
        models = ModelShelf(models_dir(settings), limits)
        stack.callback(models.close)
        models.load({route.model for route in settings.routes})
        pool = DecodePool.of(limits, niceness=settings.workers.niceness)
        stack.callback(pool.close)
        sender = Sender(settings)
        stack.callback(sender.close)
        previews = PreviewStore(settings.node.data_dir / "previews")
        previews.sweep(time.time() - PREVIEW_AGE_S)
        in_use = InUse(settings)
        spool = open_spool(settings)
        parts = Parts(lambda: in_use.settings, ledger, jobs, spool, previews, models, pool, sender)
        attempts_max = settings.workers.attempts_max
        runner = JobRunner(ledger, jobs, job_kinds(parts, attempts_max), attempts_max)
        wakeups = WakeUps(wakeup_path(settings))
        stack.callback(wakeups.close)
        dispatcher = Dispatcher(ledger, worker_name(settings), runner, wakeups, settings.workers.poll_s)
        report_study = partial(report_again, parts)
        reconciler = Reconciler(ledger, dispatcher.release_lost, report_study, settings.workers.reconcile_s)

        def change(new: Settings) -> None:
            try:
                models.load({route.model for route in new.routes})
            except ModelUnusable as error:
                log.error("configuration kept as it was by the worker", extra={"reason": str(error)})
                return
            in_use.settings = new
            sender.reload(new)
            dispatcher.listen(queues(new))

        dispatcher.start(queues(settings))
        stack.callback(dispatcher.stop, settings.workers.drain_s)
        reconciler.start()
        stack.callback(reconciler.stop)
        log.info("worker ready", extra={"models": models.labels(), "provider": models.provider()})
        metrics.inference_provider.labels(models.provider()).set(1)
        heartbeat.ready_unless(lambda: [] if spool.healthy else [f"cannot store results: {spool.unhealthy_reason}"])
        stack.callback(heartbeat.stopping)
        orders.follow(change)


def run_web(orders: Orders) -> None:
    """Answer over HTTP until asked to stop."""
    settings = orders.settings
    engine = open_database(database_url(settings))
    try:
        watch = DatabaseWatch(Ledger(engine))
        server = WebServer(settings.web, build_app(status_folder(settings.node.data_dir), watch))
        watch.start()
        server.start()
        try:
            log.info("web ready", extra={"bind": settings.web.bind, "port": server.port})
            orders.follow(lambda new: None)
        finally:
            server.stop()
            watch.stop()
    finally:
        engine.dispose()


@dataclass
class InUse:
    """The settings that the jobs of a worker go by."""

    settings: Settings


def job_kinds(parts: Parts, attempts_max: int) -> dict[str, JobWork]:
    """The four kinds of jobs: what each does, what its death means, and how often it may fail unexpectedly.
    A delivery is given up by the clock (delivery.give_up_after_h), so its count only stops a runaway."""
    return {
        "image": JobWork(partial(run_image_job, parts), partial(bury_image, parts), attempts_max),
        "study": JobWork(partial(run_study_job, parts), partial(bury_study, parts), attempts_max),
        "commitment": JobWork(partial(run_commitment_job, parts), partial(bury_commitment, parts), attempts_max),
        "delivery": JobWork(partial(run_delivery_job, parts), partial(bury_delivery, parts), DELIVERY_ATTEMPTS_MAX),
    }


def report_again(parts: Parts, study_instance_uid: str, route: str) -> None:
    """Enqueue the report of a study whose job was lost."""
    with parts.ledger.transaction() as tx:
        plan_report(tx, parts, study_instance_uid, f"{route}-{time.time_ns()}")


def queues(settings: Settings) -> dict[str, int]:
    """Queue name to concurrency. A destination that is no longer routed to keeps its queue: old deliveries end."""
    workers = settings.workers
    of_destinations = {
        queue(name): workers.deliveries for name in settings.remote_aes for queue in (delivery_queue, commitment_queue)
    }
    return {IMAGES_QUEUE: workers.images, STUDIES_QUEUE: workers.studies} | of_destinations


def main(role: str) -> int:
    """Entry point of a role process. Exit code 2: it cannot start like this; 1: it may be started again."""
    orders = Orders(sys.stdin.fileno())
    settings = orders.settings
    configure_logging(settings.logging.level, settings.logging.format)
    run = {"receiver": run_receiver, "worker": run_worker, "web": run_web}[role]
    try:
        with exclusive(settings.node.data_dir / "locks" / f"{role}.lock", LOCK_WAIT_S):
            run(orders)
    except (ConfigurationError, ModelUnusable) as error:
        log.error("cannot start", extra={"role": role, "reason": str(error)})
        return ConfigurationError.exit_code
    except HilumError as error:
        log.error("role ended", extra={"role": role, "code": error.code, "reason": str(error)})
        return HilumError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
