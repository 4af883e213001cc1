"""The shadow role: second models score what the first ones have scored.

It has a process of its own behind all others, so that its memory, its crashes and a broken package do not disturb the
worker.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from functools import partial

import cv2
from prometheus_client import CollectorRegistry

from scp_node.decode.pool import DecodePool
from scp_node.engine.port import Limit, Queues
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.errors import ModelUnusable
from scp_node.host.processors import step_back
from scp_node.inference.loaded_models import LoadedModels
from scp_node.intake.image_jobs import IMAGES_QUEUE
from scp_node.node.opening import Work, opened, working
from scp_node.node.presence import Presence
from scp_node.node.settings_feed import SettingsFeed, SettingsInUse
from scp_node.settings import Inference, Settings
from scp_node.settings.places import model_folders, shadow_wakeup_path, worker_name
from scp_node.storage.opening import open_blobs
from scp_node.telemetry.heartbeat import Heartbeat, beside_folder, status_folder
from scp_node.workflow.job_kinds import SHADOWS_QUEUE
from scp_node.workflow.shadow_job import ShadowServices, bury_shadow, run_shadow_job

log = logging.getLogger(__name__)
NICENESS = 19


def run(feed: SettingsFeed) -> None:
    """Score with second models until asked to stop."""
    settings = feed.settings
    step_back(NICENESS)
    cv2.setNumThreads(1)
    with ExitStack() as stack:
        folder = beside_folder(status_folder(settings.node.data_dir))
        heartbeat = stack.enter_context(Heartbeat(folder, "shadow", CollectorRegistry()))
        in_use = SettingsInUse(settings)
        services = open_services(stack, in_use)
        stack.enter_context(Presence(services.ledger, settings, "shadow"))
        work = start_work(stack, services)

        def change(new: Settings) -> None:
            in_use.replace(new)
            work(queues(new, services.models))

        log.info("shadow ready", extra={"models": services.models.labels()})
        heartbeat.ready_unless(list)
        stack.callback(heartbeat.stopping)
        feed.follow(change)


def open_services(stack: ExitStack, in_use: SettingsInUse) -> ShadowServices:
    """Ledger, models and one decoding process."""
    settings = in_use()
    ledger, jobs = stack.enter_context(opened(settings, "shadow", gives_way=True))
    models = LoadedModels(model_folders(settings), on_one_core(settings.inference))
    stack.callback(models.close)
    pool = DecodePool.of(settings.inference, processes=1, niceness=NICENESS)
    stack.callback(pool.close)
    return ShadowServices(in_use, ledger, jobs, open_blobs(settings), models, pool)


def start_work(stack: ExitStack, services: ShadowServices) -> Work:
    """Score what the first models have scored, as long as no image waits for them."""
    settings, ledger, retries = services.settings(), services.ledger, services.retries
    scoring = JobWork(partial(run_shadow_job, services), partial(bury_shadow, services))
    runner = JobRunner(ledger, services.jobs, {"shadow": scoring}, retries)
    name, pipe = f"{worker_name(settings)}-shadow", shadow_wakeup_path(settings)
    work = stack.enter_context(working(settings, ledger, name, pipe, runner, retries, after=IMAGES_QUEUE))
    work(queues(settings, services.models))
    return work


def queues(settings: Settings, models: LoadedModels) -> Queues:
    """One image at a time.

    Packages are loaded now, so that the log names a broken one before an image comes; each image that it cannot score
    is entered as failed. Jobs of a second model that no route names any more end without a score.
    """
    for shadow in sorted({route.shadow for route in settings.routes if route.shadow}):
        try:
            models.get(shadow)
        except ModelUnusable as error:
            log.error("second model cannot be used", extra={"shadow": shadow, "reason": str(error)})
    return {SHADOWS_QUEUE: Limit(1)}


def on_one_core(limits: Inference) -> Inference:
    """The GPU stays the first model's."""
    return limits.model_copy(update={"providers": ["cpu"], "gpu_required": False, "threads": 1})
