"""DBOS in a worker process: launches it under a stable executor id and hands each workflow to the runner.

Traps this file stands on: recovery at launch only finds workflows of the same executor id and application version, so
both are pinned; a workflow body may run twice, so the jobs are idempotent and decide by the ledger.
"""

from __future__ import annotations

import logging
import sqlite3
import sys
from collections.abc import Mapping

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig

from scp_node.engine.jobs import APPLICATION_NAME, APPLICATION_VERSION
from scp_node.engine.runner import JobRunner
from scp_node.errors import ConfigurationError

log = logging.getLogger(__name__)


def _config(engine: sa.Engine, executor_id: str) -> DBOSConfig:
    return {
        "name": APPLICATION_NAME,
        "system_database_url": engine.url.render_as_string(hide_password=False),
        "system_database_engine": engine,
        "executor_id": executor_id,
        "application_version": APPLICATION_VERSION,
        "use_listen_notify": False,
        "log_level": "WARNING",
    }


def prepare_engine(engine: sa.Engine) -> None:
    """Create or update the engine's tables; called once, before any process enqueues.

    Raises ConfigurationError where DBOS and this Python's SQLite do not fit together.
    """
    old_sqlite = sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42)
    if engine.dialect.name == "sqlite" and old_sqlite:
        raise ConfigurationError(
            f"this Python has SQLite {sqlite3.sqlite_version}; from Python 3.12 on the work engine needs 3.42 or "
            "newer. Use a Python with a newer SQLite, or Python 3.11."
        )
    DBOS(config=_config(engine, "prepare"))
    # launched without queues: this process could claim jobs, but has nothing to run them with
    DBOS.listen_queues([])
    try:
        DBOS.launch()
    finally:
        DBOS.destroy()


class Dispatcher:
    """One per worker process. `queues` maps a queue name to how many of its jobs run here at the same time."""

    def __init__(self, engine: sa.Engine, executor_id: str, runner: JobRunner, poll_s: float) -> None:
        self._poll_s = poll_s
        DBOS(config=_config(engine, executor_id))
        for kind in ("image", "study", "delivery", "commitment"):
            DBOS.workflow(name=f"{kind}_job")(_workflow(runner))

    def start(self, queues: Mapping[str, int]) -> None:
        """Recover what this executor left behind, then take work from `queues`."""
        DBOS.launch()
        self.listen(queues)

    def listen(self, queues: Mapping[str, int]) -> None:
        for name, concurrency in queues.items():
            DBOS.register_queue(name, worker_concurrency=concurrency, polling_interval_sec=self._poll_s)

    def stop(self, drain_s: float) -> None:
        """Take no more work and wait for what runs, `drain_s` at most; the rest is recovered at the next start."""
        DBOS.destroy(workflow_completion_timeout_sec=int(drain_s))


def _workflow(runner: JobRunner):  # type: ignore[no-untyped-def]
    def job(job_id: str, attempt: int) -> None:
        runner.run(job_id, attempt)

    return job
