"""Erases studies: every row and every file of them, and what databases leave behind of rows that were deleted."""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import suppress
from dataclasses import replace

from sqlalchemy.exc import SQLAlchemyError

from converter.page.counted import counted
from scp_node.errors import NothingFound, StudyBusy
from scp_node.ledger import Ledger, Transaction
from scp_node.ledger.database import leave_nothing_behind
from scp_node.ledger.records import now_utc
from scp_node.ledger.removal_records import ErasureRow, MarkedFiles
from scp_node.operations.acts import ActOutcome, Operator
from scp_node.operations.erasure_subject import ErasurePlan, StudyToErase, study_to_erase
from scp_node.retention.files import unlink_marked
from scp_node.storage.blobs import Blobs
from scp_node.storage.previews import PreviewStore

log = logging.getLogger(__name__)
LOOK_AGAIN_S = 0.2


def erase(
    ledger: Ledger,
    spool: Blobs,
    previews: PreviewStore,
    plan: ErasurePlan,
    operator: Operator,
    wait_s: float = 30.0,
) -> ErasureRow:
    """Erase what was planned, all in one commit, then the files; returns the record that stays.

    Jobs that have not begun go with their study. While one runs it is waited for, `wait_s` at most: StudyBusy is raised
    then, and where something has come since the plan was made. In the record `finished_at` is None where others use the
    database: the worker of a running node clears it then.
    """
    erasure_id, row = str(uuid.uuid4()), None
    outcome: ActOutcome = "failed"
    try:
        row = _erase_rows(ledger, plan, erasure_id, operator.name, wait_s)
        unlink_marked(ledger, spool, previews)
        row = _finish(ledger, row, wait_s)
        outcome = "done"
    except (StudyBusy, NothingFound):
        outcome = "refused"
        raise
    finally:
        detail = (
            ""
            if row is None
            else ", ".join(
                (counted(row.studies, "study", "studies"), counted(row.images, "image"), counted(row.results, "result"))
            )
        )
        operator.record("erase", "erasure", erasure_id, outcome, detail)
    return row


def _erase_rows(ledger: Ledger, plan: ErasurePlan, erasure_id: str, operator: str, wait_s: float) -> ErasureRow:
    deadline = time.monotonic() + wait_s
    studies = [study.study_instance_uid for study in plan.studies]
    while time.monotonic() < deadline:
        with suppress(_StillRunning), ledger.transaction(*studies) as tx:
            return _erase_in(tx, plan, erasure_id, operator)
        time.sleep(LOOK_AGAIN_S)
    raise StudyBusy(
        "jobs of the study are running; 'hilum jobs list --state running' names them. Try again in a moment."
    )


class _StillRunning(Exception):
    """A worker holds a job of the study."""


def _erase_in(tx: Transaction, plan: ErasurePlan, erasure_id: str, operator: str) -> ErasureRow:
    now, marked = now_utc(), MarkedFiles()
    for study in plan.studies:
        _check(tx, study)
        marked += tx.removals.drop_study(study.study_instance_uid, "erased", now)
    tx.removals.count_day(now.date(), "erased", marked)
    row = ErasureRow(
        erasure_id=erasure_id,
        at=now,
        operator=operator,
        kind=plan.kind,
        studies=len(plan.studies),
        images=plan.images,
        results=plan.results,
        files=marked.files,
        bytes=marked.bytes,
    )
    tx.erasures.add(row)
    return row


def _check(tx: Transaction, planned: StudyToErase) -> None:
    """Raise _StillRunning, or StudyBusy where there is more or less of the study than was planned."""
    moment = tx.jobs.moment()
    for job in tx.jobs.of_study(planned.study_instance_uid):
        current = tx.jobs.get(job.job_id, to_change=True)
        if current is not None and current.state == "running" and (current.lease_until or moment) > moment:
            raise _StillRunning
    found = study_to_erase(tx, planned.study_instance_uid)
    if (found.images, found.results) != (planned.images, planned.results):
        raise StudyBusy(f"study {planned.study_instance_uid} has changed since it was shown; look at it again")


def _finish(ledger: Ledger, row: ErasureRow, wait_s: float) -> ErasureRow:
    with ledger.reading() as tx:
        if tx.removals.count_waiting():
            return row
    try:
        leave_nothing_behind(ledger.engine, wait_s)
    except (TimeoutError, SQLAlchemyError) as error:
        log.warning("erasure not finished", extra={"erasure_id": row.erasure_id, "reason": type(error).__name__})
        return row
    now = now_utc()
    with ledger.transaction() as tx:
        tx.erasures.finish(row.erasure_id, now)
    return replace(row, finished_at=now)
