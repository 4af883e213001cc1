"""The engine for several hosts on one PostgreSQL: procrastinate brings each worker the tickets of due jobs.

A ticket only says to look at a job. Whoever has one claims the job in the ledger, which lets one of all workers have
it, and works on it on a thread. A ticket for which there is no place now, or no database, waits where it is. Every few
seconds each worker extends the leases of its jobs, and one of all workers does what `recover` says.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime

from procrastinate import App, BaseRetryStrategy, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job as TicketRow
from psycopg import Error as DatabaseError
from sqlalchemy.exc import SQLAlchemyError

from scp_node.engine.port import Limit, Queues, Start
from scp_node.engine.retry import Retries
from scp_node.engine.running_jobs import EXTENSIONS, RunningJobs, places
from scp_node.engine.ticket_connector import TicketConnector
from scp_node.ledger import JobRow, Ledger, Transaction
from scp_node.ledger.records import PENDING_JOBS
from scp_node.ledger.tickets import TASK

log = logging.getLogger(__name__)
THREADS_MAX = 1024
logging.getLogger("procrastinate").setLevel(logging.WARNING)  # it tells of each ticket
NO_DATABASE = (ConnectorException, DatabaseError, SQLAlchemyError, OSError)


class NotNow(Exception):
    """The worker stops: somebody else may have the ticket."""


class _HandBack(BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: TicketRow) -> RetryDecision | None:
        return RetryDecision(retry_in={"seconds": 0}) if isinstance(exception, NotNow) else None


class TicketEngine:
    """One per worker process, under the name `worker`. With `after`, nothing is started while a job of that queue is
    due."""

    def __init__(self, ledger: Ledger, worker: str, retries: Retries, poll_s: float, after: str = "") -> None:
        self._ledger, self._worker, self._retries = ledger, worker, retries
        self._poll_s, self._after = poll_s, after
        self._running = RunningJobs(ledger, worker, retries)
        self._queues: Queues = {}
        self._start: Start
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="job")
        self._stopping, self._loop_is_there = threading.Event(), threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._workers: dict[str, tuple[Limit, asyncio.Task[None]]] = {}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="tickets", daemon=True)
        self._housekeeping = threading.Thread(target=self._keep_house, name="leases", daemon=True)

    def work(self, queues: Queues, start: Start) -> None:
        self._queues, self._start = dict(queues), start
        if self._thread.is_alive():
            self._set(self._changed)
            return
        self._running.release_lost(_put_again)
        self._thread.start()
        self._loop_is_there.wait()
        self._housekeeping.start()

    def stop(self, drain_s: float) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._set(self._changed)
            self._running.wait_for_end(drain_s)
            self._set(self._leave)
            self._thread.join()
            self._housekeeping.join()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _set(self, event: asyncio.Event) -> None:
        with suppress(RuntimeError):  # the loop had nothing left to do, and has ended
            self._loop.call_soon_threadsafe(event.set)

    def recover(self) -> list[str]:
        """Also a ticket for every due job that has none; one worker of all does so at a time."""
        found: list[str] = []

        def then(tx: Transaction, freed: list[str]) -> None:
            _put_again(tx, freed)
            found.extend(freed)
            if tx.tickets.lead():
                tx.tickets.drop_dead(self._running.lease)
                found.extend(tx.tickets.put_untold(tx.jobs.moment()))

        self._running.release_lost(then)
        return found

    def _keep_house(self) -> None:
        while not self._stopping.wait(self._running.lease.total_seconds() / EXTENSIONS):
            try:
                self._running.extend_leases()
                if found := self.recover():
                    log.warning("lost jobs are started again", extra={"found": len(found)})
            except Exception:
                log.exception("lost jobs cannot be looked for")

    # What follows runs in the thread of the event loop.

    async def _main(self) -> None:
        self._loop, self._changed, self._leave = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        self._loop_is_there.set()
        while not self._stopping.is_set():
            await self._patiently(self._connected)

    async def _connected(self) -> None:
        """A loop for each queue; what has another limit now starts anew, when it has ended what it has begun."""
        app = App(connector=TicketConnector(self._ledger.engine))
        app.task(name=TASK, retry=_HandBack())(self._look_at)
        loops: dict[str, asyncio.Task[None]] = {}
        async with app.open_async():
            while not self._stopping.is_set():
                for queue in self._queues:
                    if queue not in loops or loops[queue].done():
                        loops[queue] = asyncio.create_task(self._serve(app, queue))
                for queue, (limit, worker) in self._workers.items():
                    if self._queues.get(queue) != limit:
                        worker.cancel()
                await self._changed.wait()
                self._changed.clear()
            for _, worker in self._workers.values():
                worker.cancel()
            await asyncio.gather(*loops.values())

    async def _serve(self, app: App, queue: str) -> None:
        """The tickets of one queue. procrastinate ends a worker whose database fails: it is started again."""
        lease_s = self._running.lease.total_seconds()

        async def serve() -> None:
            if (limit := self._queues.get(queue)) is None:
                return
            worker = asyncio.create_task(
                app.run_worker_async(
                    queues=[queue],
                    name=self._worker,
                    concurrency=limit.here,
                    fetch_job_polling_interval=self._poll_s,
                    update_heartbeat_interval=lease_s / EXTENSIONS,
                    stalled_worker_timeout=lease_s,
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
            )
            self._workers[queue] = limit, worker
            await asyncio.wait((worker,))
            if not worker.cancelled():
                worker.result()

        while queue in self._queues and not self._stopping.is_set():
            await self._patiently(serve)

    async def _patiently(self, serve: Callable[[], Awaitable[None]]) -> None:
        try:
            await serve()
        except NO_DATABASE as error:
            log.warning("no tickets without the database", extra={"reason": type(error).__name__})
            await asyncio.sleep(self._retries()["queue-look"].backoff.wait_s(1))

    async def _look_at(self, job_id: str, attempt: int) -> None:
        """Work on the job that a ticket names, if there is still something to do. Raises NotNow."""
        while not self._stopping.is_set():
            looked = self._loop.run_in_executor(self._threads, self._claim_and_run, job_id, attempt)
            leaves = asyncio.create_task(self._leave.wait())
            await asyncio.wait((looked, leaves), return_when=asyncio.FIRST_COMPLETED)
            leaves.cancel()
            if not looked.done() or looked.result():
                return
            await asyncio.sleep(self._poll_s)
        raise NotNow

    # What follows runs in a thread of its own for each ticket.

    def _claim_and_run(self, job_id: str, attempt: int) -> bool:
        """False while there is no place for the job, or no database."""
        has_place = True

        def wanted(tx: Transaction, moment: datetime) -> Iterable[JobRow]:
            nonlocal has_place
            job = tx.jobs.get(job_id)
            if job is None or job.attempt != attempt or job.state not in PENDING_JOBS or job.due_at > moment:
                return []
            is_behind = bool(self._after) and tx.jobs.is_any_due(self._after, moment)
            limit = self._queues.get(job.queue, Limit(1))
            has_place = not is_behind and places(tx, job.queue, limit, 1) > 0
            return [job] if has_place else []

        if self._stopping.is_set():
            return False
        try:
            claimed = self._running.claim(wanted)
        except NO_DATABASE as error:
            log.warning("job cannot be claimed", extra={"job_id": job_id, "reason": type(error).__name__})
            return False
        for job in claimed:
            self._running.run(job, self._start)
        return has_place


def _put_again(tx: Transaction, job_ids: list[str]) -> None:
    """A ticket for each job that was freed: the one that it had has gone with its worker."""
    for job_id in job_ids:
        if (job := tx.jobs.get(job_id)) is not None:
            tx.tickets.put(job.job_id, job.attempt, job.queue, job.due_at, job.priority)
