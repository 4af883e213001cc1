"""Studies as the ledger has them after so much was done, with real files, at moments of a made clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scp_node.ledger import NewResult, ReceivedInstance, Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.records import InstanceState, JobKind, JobState
from scp_node.storage.spool import Spool, instance_name
from tests.support.ledger.ledgers import received

KINDS: tuple[JobKind, ...] = ("image", "image", "study", "delivery")
SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.34"


@dataclass(frozen=True)
class MadeImage:
    """An image of a study; `came_at` is when it was received."""

    came_at: datetime
    state: InstanceState = "reported"
    reportable: bool = True
    covered: bool = True


@dataclass(frozen=True)
class MadeJob:
    """A job of a study that changed last at `at`."""

    at: datetime
    kind: JobKind = "image"
    state: JobState = "done"


@dataclass(frozen=True)
class MadeDelivery:
    """A result that went, or is to go, to one destination."""

    at: datetime
    state: str = "committed"


def make_study(
    tx: Transaction,
    spool: Spool,
    number: int,
    images: Sequence[MadeImage],
    jobs: Sequence[MadeJob] = (),
    deliveries: Sequence[MadeDelivery] = (),
    image_bytes: int = 100,
    result_bytes: int = 50,
) -> str:
    """Enter it with its files; returns its UID."""
    uid = f"1.2.3.{number}"
    for place, image in enumerate(images, 1):
        record = replace(received(place, number), bytes=image_bytes, received_at=image.came_at)
        tx.instances.add(record)
        _write(spool, record.spool_name, image_bytes)
        mine = t.instance.c.sop_instance_uid == record.sop_instance_uid
        values: dict[str, Any] = {"state": image.state, "reportable": image.reportable, "covered": image.covered}
        values |= {"route": "chest", "judged_version": 1, "finished_at": image.came_at}
        tx.connection.execute(sa.update(t.instance).where(mine).values(**values))
    for place, job in enumerate(jobs):
        add_job(tx, f"{job.kind}:{number}:{place}", job, uid)
    if deliveries:
        report = tx.reports.open(uid, "chest", f"study:{number}", "tiny@1.0.0", [f"{uid}.1"])
        built = [_result(spool, number, place, result_bytes) for place in range(len(deliveries))]
        tx.connection.execute(sa.update(t.report).where(t.report.c.id == report.id).values(built_at=deliveries[0].at))
        for new, made in zip(built, deliveries, strict=True):
            tx.results.add(report.id, new)
            delivery = tx.deliveries.add(new.sop_instance_uid, "pacs")
            sent = made.at if made.state in ("sent", "committed") else None
            values = {"state": made.state, "created_at": made.at, "sent_at": sent}
            mine = t.delivery.c.id == delivery.id
            tx.connection.execute(sa.update(t.delivery).where(mine).values(**values))
    return uid


def add_job(tx: Transaction, job_id: str, job: MadeJob, study: str) -> None:
    tx.connection.execute(sa.insert(t.job), [_job(job_id, job, study)])


def _job(job_id: str, job: MadeJob, study: str) -> dict[str, Any]:
    values = {"job_id": job_id, "kind": job.kind, "subject": "chest", "study_instance_uid": study, "queue": "made"}
    moments = {"created_at": job.at, "due_at": job.at, "changed_at": job.at}
    return {**values, **moments, "state": job.state, "error": "", "attempt": 1, "starts": 1, "postponed": 0}


def finished_study(
    tx: Transaction, spool: Spool, number: int, at: datetime, image_bytes: int = 100, result_bytes: int = 50
) -> str:
    """Two images, judged, reported and kept by the archive at `at`."""
    images, jobs = (
        [MadeImage(at), MadeImage(at)],
        [MadeJob(at), MadeJob(at), MadeJob(at, "study"), MadeJob(at, "delivery")],
    )
    return make_study(tx, spool, number, images, jobs, [MadeDelivery(at)], image_bytes, result_bytes)


def finished_studies(
    tx: Transaction, spool: Spool, numbers: Sequence[int], at: datetime, image_bytes: int, result_bytes: int
) -> list[str]:
    """Many of them at once, as `finished_study` makes one; returns their UIDs."""
    uids = [f"1.2.3.{number}" for number in numbers]
    images = [
        replace(received(place, number), bytes=image_bytes, received_at=at) for number in numbers for place in (1, 2)
    ]
    built = [_result(spool, number, 0, result_bytes) for number in numbers]
    for image in images:
        _write(spool, image.spool_name, image_bytes)
    judged: dict[str, Any] = {"state": "reported", "reportable": True, "covered": True, "route": "chest", "notes": []}
    judged |= {"detail": "", "version": 1, "judged_version": 1, "finished_at": at}
    opened = {"route": "chest", "revision": 1, "model": "tiny@1.0.0", "created_at": at, "built_at": at}
    opened |= {"instances": [], "versions": {}, "left_out": [], "gone": []}
    went = {"destination": "pacs", "state": "committed", "attempts": 1, "created_at": at, "sent_at": at, "detail": ""}
    for table, rows in (
        (t.study, [{"study_instance_uid": uid, "accession_number": uid, "first_received_at": at} for uid in uids]),
        (t.instance, [_without_number(image) | judged for image in images]),
        (t.job, [_job(f"{place}:{uid}", MadeJob(at, kind), uid) for uid in uids for place, kind in enumerate(KINDS)]),
        (t.event, [_event(image.study_instance_uid, image.sop_instance_uid, at) for image in images for _ in range(5)]),
        (t.report, [{"id": n, "study_instance_uid": f"1.2.3.{n}", "job_id": f"study:{n}", **opened} for n in numbers]),
        (t.result, [vars(new) | {"report_id": number} for number, new in zip(numbers, built, strict=True)]),
        (
            t.delivery,
            [{"id": n, "result_uid": new.sop_instance_uid, **went} for n, new in zip(numbers, built, strict=True)],
        ),
    ):
        tx.connection.execute(sa.insert(table), rows)
    return uids


def _without_number(image: ReceivedInstance) -> dict[str, Any]:
    return {name: value for name, value in vars(image).items() if name != "accession_number"}


def _event(study: str, subject: str, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "study_instance_uid": study,
        "subject": subject,
        "step": "received",
        "outcome": "made",
        "took_ms": 1.5,
    }


def _result(spool: Spool, number: int, place: int, size: int) -> NewResult:
    uid = f"1.2.9.{number}.{place}"
    name = instance_name(uid, "result")
    _write(spool, name, size)
    return NewResult(uid, SR_CLASS, f"1.2.9.{number}", "sr", name, size, "00")


def _write(spool: Spool, name: str, size: int) -> None:
    """Without the fsync, for which a year of studies would have to wait."""
    spool.path(name).write_bytes(bytes(size))
    spool.room.took(size)
