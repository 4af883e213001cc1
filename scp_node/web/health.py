"""`/healthz`, `/readyz` and `/metrics`: for whoever watches over the node. No page shows anything of a patient."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import generate_latest

from scp_node.telemetry import metrics
from scp_node.telemetry.heartbeat import RoleStatus, read_statuses
from scp_node.web.database_watch import DatabaseWatch

HEALTH_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
# Threads that no other request can use up.
WATCHERS_MAX = 4
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(
    statuses: Path, database: DatabaseWatch, faults: Callable[[], list[str]], cautions: Callable[[], list[str]]
) -> APIRouter:
    """The three paths over the folder in which the roles say how they are. `faults` says what else keeps the node from
    its work, `cautions` what its settings leave open."""
    router, threads = APIRouter(), ThreadPoolExecutor(WATCHERS_MAX, "watchers")

    @router.get("/healthz", response_class=PlainTextResponse)
    async def healthz() -> str:
        """This process answers."""
        return "ok\n"

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        """200 when every role of the node is up and ready and the database can be used, else 503 with the reasons."""

        def look() -> dict[str, Any]:
            now = time.monotonic()
            return readiness(read_statuses(statuses, now), database.obstacles(now), cautions(), faults())

        answer = await asyncio.get_running_loop().run_in_executor(threads, look)
        return JSONResponse(answer, 200 if answer["ready"] else 503)

    @router.get("/metrics")
    async def scrape() -> Response:
        """What all roles count, in the text format of Prometheus. A role that fell silent has no numbers."""
        text = await asyncio.get_running_loop().run_in_executor(threads, numbers, statuses)
        return Response(text, media_type=PROMETHEUS_TEXT)

    return router


def numbers(statuses: Path) -> str:
    """What this process and every role that lives count."""
    known = read_statuses(statuses, time.monotonic())
    metrics.role_ready.clear()
    for status in known:
        metrics.role_ready.labels(status.role).set(not status.obstacles)
    return "".join([generate_latest(metrics.WEB).decode(), *(status.metrics for status in known)])


def readiness(
    statuses: list[RoleStatus], database: list[str], cautions: Sequence[str] = (), faults: Sequence[str] = ()
) -> dict[str, Any]:
    """Whether the node is ready, in plain words what stands in its way, and what its settings leave open."""
    by_role = {status.role: list(status.obstacles) for status in statuses}
    reasons = [f"{role} {reason}" for role, obstacles in by_role.items() for reason in obstacles]
    reasons += [*(f"database {reason}" for reason in database), *faults]
    return {
        "ready": not reasons,
        "reasons": reasons,
        "warnings": list(cautions),
        "roles": {role: not obstacles for role, obstacles in by_role.items()},
    }
