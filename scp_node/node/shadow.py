"""The shadow role: second models score what the first ones have scored, behind everything else and in a process of its
own, so that neither its memory, its crashes nor a broken package is anything to the worker."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from functools import partial

import cv2

from scp_node.decode.pool import DecodePool
from scp_node.engine.dispatcher import Dispatcher
from scp_node.engine.jobs import IMAGES_QUEUE, SHADOWS_QUEUE
from scp_node.engine.runner import JobRunner, JobWork
from scp_node.engine.wakeup import WakeUps
from scp_node.errors import ModelUnusable
from scp_node.host.processors import step_back
from scp_node.inference.loaded_models import LoadedModels
from scp_node.node.opening import open_spool, opened
from scp_node.node.settings_feed import SettingsFeed
from scp_node.settings import Inference, Settings
from scp_node.settings.places import models_dir, shadow_wakeup_path, worker_name
from scp_node.workflow.shadow_job import ShadowServices, bury_shadow, run_shadow_job

log = logging.getLogger(__name__)
NICENESS = 19
ATTEMPTS_MAX = 5


def run(feed: SettingsFeed) -> None:
    """Score with second models until asked to stop."""
    settings = feed.settings
    step_back(NICENESS)
    cv2.setNumThreads(1)
    with ExitStack() as stack:
        ledger, jobs = stack.enter_context(opened(settings, gives_way=True))
        models = LoadedModels(models_dir(settings), on_one_core(settings.inference))
        stack.callback(models.close)
        pool = DecodePool.of(settings.inference, processes=1, niceness=NICENESS)
        stack.callback(pool.close)
        in_use = [settings]
        parts = ShadowServices(lambda: in_use[0], ledger, jobs, open_spool(settings), models, pool)
        work = JobWork(partial(run_shadow_job, parts), partial(bury_shadow, parts), ATTEMPTS_MAX)
        runner = JobRunner(ledger, jobs, {"shadow": work}, ATTEMPTS_MAX)
        wakeups = WakeUps(shadow_wakeup_path(settings))
        stack.callback(wakeups.close)
        name = f"{worker_name(settings)}-shadow"
        dispatcher = Dispatcher(ledger, name, runner, wakeups, settings.workers.poll_s, after=IMAGES_QUEUE)

        def change(new: Settings) -> None:
            in_use[0] = new
            dispatcher.listen(queues(new, models))

        dispatcher.start(queues(settings, models))
        stack.callback(dispatcher.stop, settings.workers.drain_s)
        log.info("shadow ready", extra={"models": models.labels()})
        feed.follow(change)


def queues(settings: Settings, models: LoadedModels) -> dict[str, int]:
    """One image at a time. Packages are loaded now, so that a broken one is told before an image comes: each image that
    it does not score is then entered as failed. What waits for a second model that no route names any more is ended."""
    for shadow in sorted({route.shadow for route in settings.routes if route.shadow}):
        try:
            models.get(shadow)
        except ModelUnusable as error:
            log.error("second model cannot be used", extra={"shadow": shadow, "reason": str(error)})
    return {SHADOWS_QUEUE: 1}


def on_one_core(limits: Inference) -> Inference:
    """The GPU stays the first model's."""
    return limits.model_copy(update={"providers": ["cpu"], "gpu_required": False, "threads": 1})
