"""The worker: analyses, reports and delivers. What it needs is opened bottom up and closed top down."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import cv2

from scp_node.decode.pool import DecodePool
from scp_node.deliver.destinations import Destinations
from scp_node.engine.port import Limit, Queues
from scp_node.engine.reconciler import Reconciler, ReconcilerCheck
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.errors import HilumError
from scp_node.host.processors import step_back
from scp_node.inference.loaded_models import LoadedModels
from scp_node.intake.image_jobs import IMAGES_QUEUE
from scp_node.ledger.records import JobKind
from scp_node.monitoring.drift_watch import DriftWatch
from scp_node.node.opening import Work, opened, working
from scp_node.node.presence import Presence
from scp_node.node.settings_feed import SettingsFeed, SettingsInUse
from scp_node.reporting.rehearsal import rehearse
from scp_node.retention.sweep import Sweep
from scp_node.retention.watch import RetentionWatch
from scp_node.settings import Inference, Retention, Settings
from scp_node.settings.places import model_folders, wakeup_path, worker_name
from scp_node.storage.blobs import Blobs
from scp_node.storage.opening import open_blobs
from scp_node.storage.previews import PreviewStore
from scp_node.telemetry import metrics
from scp_node.telemetry.heartbeat import Heartbeat, status_folder
from scp_node.workflow.commitment_job import bury_commitment, run_commitment_job
from scp_node.workflow.delivery_job import bury_delivery, run_delivery_job
from scp_node.workflow.image_job import bury_image, run_image_job
from scp_node.workflow.job_kinds import STUDIES_QUEUE, commitment_queue, delivery_queue
from scp_node.workflow.report_plan import plan_forgotten_reports
from scp_node.workflow.services import Services
from scp_node.workflow.study_job import bury_study, run_study_job

log = logging.getLogger(__name__)
NICENESS_MAX, BEHIND_WORKER = 19, 5


def run(feed: SettingsFeed) -> None:
    """Analyse, report and deliver until asked to stop."""
    settings = feed.settings
    step_back(settings.workers.niceness)
    cv2.setNumThreads(1)  # jobs are worked on side by side; one job needs no threads of its own
    with ExitStack() as stack:
        heartbeat = stack.enter_context(Heartbeat(status_folder(settings.node.data_dir), "worker", metrics.WORKER))
        spool = open_blobs(settings)
        in_use = SettingsInUse(settings)
        services = open_services(stack, in_use, spool)
        stack.enter_context(Presence(services.ledger, settings, "worker"))
        work = start_work(stack, services)
        start_reconciler(stack, services)
        start_drift_watch(stack, services)
        start_retention(stack, services, spool)
        log.info("worker ready", extra={"models": services.models.labels(), "provider": services.models.provider()})
        tell_models(services.models)
        heartbeat.ready_unless(lambda: [] if spool.healthy else [f"cannot store results: {spool.unhealthy_reason}"])
        stack.callback(heartbeat.stopping)
        feed.follow(Reload(in_use, services, work))


def open_services(stack: ExitStack, in_use: SettingsInUse, spool: Blobs) -> Services:
    """Ledger, models, decoding processes, associations with archives, previews: in the order in which they may fail."""
    settings = in_use()
    ledger, jobs = stack.enter_context(opened(settings, "worker", gives_way=True))
    models = LoadedModels(model_folders(settings), settings.inference)
    stack.callback(models.close)
    models.load(models_of(settings))
    pool = open_decode_pool(settings.inference, settings.workers.niceness)
    stack.callback(pool.close)
    destinations = Destinations(settings)
    stack.callback(destinations.close)
    previews = PreviewStore(settings.node.data_dir / "previews")
    rehearse_all(models, settings)
    return Services(in_use, ledger, jobs, spool, previews, models, pool, destinations)


def open_decode_pool(limits: Inference, niceness: int) -> DecodePool:
    """Its processes step back behind this one, whose threads may hold the lock of the ledger that senders wait for."""
    return DecodePool.of(limits, niceness=min(NICENESS_MAX, niceness + BEHIND_WORKER))


def start_work(stack: ExitStack, services: Services) -> Work:
    """Work on what is due, from now on."""
    settings = services.settings()
    runner = JobRunner(services.ledger, services.jobs, job_works(services), services.retries)
    work = stack.enter_context(
        working(settings, services.ledger, worker_name(settings), wakeup_path(settings), runner, services.retries)
    )
    work(queues(settings))
    return work


def start_reconciler(stack: ExitStack, services: Services) -> None:
    """Look for work that was forgotten, now and then."""
    checks = (ReconcilerCheck("studies without a report are reported", partial(plan_forgotten_reports, services)),)
    reconciler = Reconciler(checks, services.settings().workers.reconcile_s)
    reconciler.start()
    stack.callback(reconciler.stop)


def start_drift_watch(stack: ExitStack, services: Services) -> None:
    """Compare the images of each sender with those of the model packages, now and then."""
    models = services.models
    drift_watch = DriftWatch(
        services.ledger,
        lambda: services.settings().drift,
        lambda label: next((one.manifest.distribution for one in models.loaded() if one.label == label), None),
        lambda: {models.get(model).label for model in models_of(services.settings())},
    )
    drift_watch.start()
    stack.callback(drift_watch.stop)


def start_retention(stack: ExitStack, services: Services, spool: Blobs) -> None:
    """Remove what has been kept long enough, now and then."""

    def settings() -> Retention:
        return services.settings().retention

    watch = RetentionWatch(services.ledger, spool, Sweep(services.ledger, spool, services.previews, settings), settings)
    watch.start()
    stack.callback(watch.stop)


@dataclass(frozen=True)
class Reload:
    """Goes by changed settings; where a model cannot be loaded, by none of them."""

    in_use: SettingsInUse
    services: Services
    work: Work

    def __call__(self, new: Settings) -> None:
        models = self.services.models
        try:
            models.load(models_of(new))
        except HilumError as error:
            log.error("configuration kept as it was by the worker", extra={"reason": str(error)})
            return
        rehearse_all(models, new)
        self.in_use.replace(new)
        tell_models(models)
        self.services.destinations.reload(new)
        self.work(queues(new))


def models_of(settings: Settings) -> set[str]:
    return {route.model for route in settings.routes}


def rehearse_all(models: LoadedModels, settings: Settings) -> None:
    """Build results of each model once, before a study waits for the first; it costs little where it was done. What no
    route asks for is not loaded."""
    kinds = {kind for route in settings.routes for kind in route.results}
    for model in models.loaded():
        results = rehearse(model.manifest, settings.node.ae_title, settings.report, kinds)
        log.info("results rehearsed", extra={"model": model.label, "results": results})


def tell_models(models: LoadedModels) -> None:
    """Which models are loaded and what they run on, as metrics."""
    metrics.inference_provider.labels(models.provider()).set(1)
    for model in models.loaded():
        metrics.model_ready.labels(model.label, model.provider).set(1)


def job_works(services: Services) -> dict[JobKind, JobWork]:
    """What each kind of job does, and what its death means."""
    return {
        "image": JobWork(partial(run_image_job, services), partial(bury_image, services)),
        "study": JobWork(partial(run_study_job, services), partial(bury_study, services)),
        "commitment": JobWork(partial(run_commitment_job, services), partial(bury_commitment, services)),
        "delivery": JobWork(partial(run_delivery_job, services), partial(bury_delivery, services)),
    }


def queues(settings: Settings) -> Queues:
    """A destination that is no longer routed to keeps its queue: old deliveries end. It gets so much at a time from
    all workers together."""
    workers = settings.workers
    to_each = Limit(workers.deliveries, workers.deliveries)
    of_destinations = {
        queue(name): to_each for name in settings.remote_aes for queue in (delivery_queue, commitment_queue)
    }
    of_systems = {delivery_queue(name): to_each for name in settings.systems}
    return {IMAGES_QUEUE: Limit(workers.images), STUDIES_QUEUE: Limit(workers.studies)} | of_destinations | of_systems
