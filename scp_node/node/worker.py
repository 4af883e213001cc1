"""The worker: analyses, reports and delivers. Parts are started bottom up and stopped top down."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import cv2

from scp_node.decode.pool import DecodePool
from scp_node.deliver.destinations import Destinations
from scp_node.engine.dispatcher import Dispatcher
from scp_node.engine.jobs import IMAGES_QUEUE, STUDIES_QUEUE, commitment_queue, delivery_queue
from scp_node.engine.reconciler import Reconciler
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.engine.wakeup import WakeUps
from scp_node.errors import HilumError
from scp_node.host.processors import step_back
from scp_node.inference.loaded_models import LoadedModels
from scp_node.monitoring.drift_watch import DriftWatch
from scp_node.node.opening import open_spool, opened
from scp_node.node.settings_feed import SettingsFeed
from scp_node.reporting.rehearsal import rehearse
from scp_node.settings import Settings
from scp_node.settings.places import models_dir, wakeup_path, worker_name
from scp_node.storage.previews import PreviewStore
from scp_node.telemetry import metrics
from scp_node.telemetry.heartbeat import Heartbeat, status_folder
from scp_node.workflow.commitment_job import bury_commitment, run_commitment_job
from scp_node.workflow.delivery_job import bury_delivery, run_delivery_job
from scp_node.workflow.image_job import bury_image, run_image_job
from scp_node.workflow.services import Services
from scp_node.workflow.study_job import bury_study, plan_report, run_study_job

log = logging.getLogger(__name__)
NICENESS_MAX, BEHIND_WORKER = 19, 5
DELIVERY_ATTEMPTS_MAX = 100_000
PREVIEW_AGE_S = 86400.0


def run(feed: SettingsFeed) -> None:
    """Analyse, report and deliver until asked to stop."""
    settings, limits = feed.settings, feed.settings.inference
    step_back(settings.workers.niceness)
    cv2.setNumThreads(1)  # jobs are worked on side by side; one job needs no threads of its own
    with ExitStack() as stack:
        heartbeat = Heartbeat(status_folder(settings.node.data_dir), "worker", metrics.WORKER)
        stack.enter_context(heartbeat)
        ledger, jobs = stack.enter_context(opened(settings, gives_way=True))
        models = LoadedModels(models_dir(settings), limits)
        stack.callback(models.close)
        models.load({route.model for route in settings.routes})
        # behind this process, whose threads may hold the lock of the ledger, for which senders wait
        pool = DecodePool.of(limits, niceness=min(NICENESS_MAX, settings.workers.niceness + BEHIND_WORKER))
        stack.callback(pool.close)
        destinations = Destinations(settings)
        stack.callback(destinations.close)
        previews = PreviewStore(settings.node.data_dir / "previews")
        previews.sweep(time.time() - PREVIEW_AGE_S)
        in_use = InUse(settings)
        spool = open_spool(settings)
        rehearse_all(models, settings)
        parts = Services(lambda: in_use.settings, ledger, jobs, spool, previews, models, pool, destinations)
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
            except HilumError as error:
                log.error("configuration kept as it was by the worker", extra={"reason": str(error)})
                return
            rehearse_all(models, new)
            in_use.settings = new
            tell_models(models)
            destinations.reload(new)
            dispatcher.listen(queues(new))

        dispatcher.start(queues(settings))
        stack.callback(dispatcher.stop, settings.workers.drain_s)
        reconciler.start()
        stack.callback(reconciler.stop)
        drift_watch = DriftWatch(
            ledger,
            lambda: in_use.settings.drift,
            lambda label: next((one.manifest.distribution for one in models.loaded() if one.label == label), None),
            lambda: {models.get(route.model).label for route in in_use.settings.routes},
        )
        drift_watch.start()
        stack.callback(drift_watch.stop)
        log.info("worker ready", extra={"models": models.labels(), "provider": models.provider()})
        metrics.inference_provider.labels(models.provider()).set(1)
        tell_models(models)
        heartbeat.ready_unless(lambda: [] if spool.healthy else [f"cannot store results: {spool.unhealthy_reason}"])
        stack.callback(heartbeat.stopping)
        feed.follow(change)


def rehearse_all(models: LoadedModels, settings: Settings) -> None:
    """Build results of each model once, before a study waits for the first; it costs little where it was done."""
    for model in models.loaded():
        results = rehearse(model.manifest, settings.node.ae_title, settings.report)
        log.info("results rehearsed", extra={"model": model.label, "results": results})


def tell_models(models: LoadedModels) -> None:
    """Which models are loaded, as a metric."""
    for model in models.loaded():
        metrics.model_ready.labels(model.label, model.provider).set(1)


@dataclass
class InUse:
    """The settings that the jobs of a worker go by."""

    settings: Settings


def job_kinds(parts: Services, attempts_max: int) -> dict[str, JobWork]:
    """The four kinds of jobs: what each does, what its death means, and how often it may fail unexpectedly.
    A delivery is given up by the clock (delivery.give_up_after_h), so its count only stops a runaway."""
    return {
        "image": JobWork(partial(run_image_job, parts), partial(bury_image, parts), attempts_max),
        "study": JobWork(partial(run_study_job, parts), partial(bury_study, parts), attempts_max),
        "commitment": JobWork(partial(run_commitment_job, parts), partial(bury_commitment, parts), attempts_max),
        "delivery": JobWork(partial(run_delivery_job, parts), partial(bury_delivery, parts), DELIVERY_ATTEMPTS_MAX),
    }


def report_again(parts: Services, study_instance_uid: str, route: str) -> None:
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
