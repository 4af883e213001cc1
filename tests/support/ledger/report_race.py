"""Two workers report the same study at once: the real steps of the study job, in two threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from scp_node.ledger import JobRow
from scp_node.ledger.records import now_utc
from scp_node.workflow.job_kinds import STUDIES_QUEUE, study_job
from scp_node.workflow.services import Services
from scp_node.workflow.study_job import run_study_job
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.ledgers import claimed
from tests.support.ledger.studies import judge_study, pending


@dataclass(frozen=True)
class RaceOutcome:
    """Studies with more than one report, or with none, and what was raised."""

    doubled: Sequence[str]
    unreported: Sequence[str]
    errors: Sequence[str]


def race(services: Services, studies: int) -> RaceOutcome:
    """Have each of so many studies of one image reported by two jobs that begin together."""
    doubled, unreported, errors = [], [], []
    for number in range(1, studies + 1):
        uid = judge_study(services, number, make_dx(seed=number))
        with services.ledger.transaction(uid) as tx:
            services.jobs.put(tx, study_job(uid, "chest", 1, now_utc()))
        jobs = [claimed(services.ledger, job_id) for job_id in pending(services.ledger, STUDIES_QUEUE)]
        assert len(jobs) == 2, "the one that judging has planned, and one more"
        together = threading.Barrier(2)

        def run(job: JobRow, together: threading.Barrier = together) -> None:
            together.wait(60)
            run_study_job(services, job)

        with ThreadPoolExecutor(2) as threads:
            errors += [repr(one) for ran in [threads.submit(run, job) for job in jobs] if (one := ran.exception())]
        with services.ledger.transaction() as tx:
            built = [report for report in tx.reports.of_study(uid) if report.built_at is not None]
            for job_id in (job.job_id for job in tx.jobs.of_study(uid)):
                services.jobs.drop(tx, job_id)
        doubled += [uid] if len(built) > 1 else []
        unreported += [] if built else [uid]
    return RaceOutcome(doubled, unreported, errors)
