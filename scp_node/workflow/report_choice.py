"""Which images a report covers, and which it names as another patient's: decided once, when its revision is opened."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from converter.declined import OTHER_PATIENT, REASON_OF_CODE
from converter.page.counted import counted
from converter.result.patient import of_one_patient
from scp_node.intake.image_jobs import image_job
from scp_node.ledger import InstanceRow, JobRow, ReportRow, Transaction
from scp_node.ledger.records import now_utc
from scp_node.ledger.removal_records import in_spool
from scp_node.reporting.content import patient_in
from scp_node.workflow.report_plan import LOOK_AGAIN_S
from scp_node.workflow.services import Services

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NoReport:
    """Why there is nothing to report now, and when to look again: None where something else will bring a job."""

    reason: str
    again_at: datetime | None = None


def name_patients(services: Services, job: JobRow) -> None:
    """Enter whose images those are of which it is not known: their analysis died, or an older release has made it."""
    with services.ledger.reading() as tx:
        known = tx.versions.patients_of_study(job.study_instance_uid)
        unknown = [
            tx.versions.as_of(image.sop_instance_uid, image.judged_version or image.version)
            for image in _images(tx, job)
            if image.sop_instance_uid not in known and image.removed_at is None
        ]
    found = [(image, patient_in(services.spool.path(image.spool_name), services.decode_pool)) for image in unknown]
    if any(patient is not None for _, patient in found):
        with services.ledger.transaction(job.study_instance_uid) as tx:
            services.jobs.hold(tx, job)
            for image, patient in found:
                if patient is not None:
                    tx.versions.name_patient(image.sop_instance_uid, image.version, patient)


def open_report(tx: Transaction, services: Services, job: JobRow, model: str) -> ReportRow | NoReport:
    """Claim the next revision over all judged images of the route that are of one patient and still there. Raises
    Removed where what is to be reported is not there any more."""
    images = _images(tx, job)
    if all(image.covered for image in images):
        return NoReport("nothing new to report")
    if all(image.covered for image in images if image.removed_at is None):
        in_spool(next(image for image in images if not image.covered))
    if _is_judged_anew(tx, job):
        return NoReport("an image of an earlier report is analysed anew", now_utc() + timedelta(seconds=LOOK_AGAIN_S))
    if tx.reports.in_progress(job.study_instance_uid, job.subject, job.job_id) is not None:
        return NoReport("another report of this study is being built", now_utc() + timedelta(seconds=LOOK_AGAIN_S))
    mine, others, gone = _told_apart(tx, job, images)
    if not mine:
        _leave_out(tx, job, mine, others)
        tx.instances.cover(_uids(others))
        return NoReport("the images of its patient were removed, and those that came are of another one")
    outdated = [image for image in mine if _was_analysed(image) and image.model != model]
    for image in outdated:
        tx.instances.reopen(image.sop_instance_uid)
        earlier_jobs = tx.jobs.count_of(image.study_instance_uid, image.sop_instance_uid)
        services.jobs.put(tx, image_job(image, now_utc(), earlier_jobs))
    if outdated:
        return NoReport(f"{counted(len(outdated), 'image is', 'images are')} analysed anew with {model}")
    _leave_out(tx, job, mine, others)
    if services.settings().report.when_all_declined == "omit" and not any(map(_was_analysed, mine)):
        tx.instances.cover(_uids(images))
        return NoReport("no image could be analysed; such reports are switched off")
    return tx.reports.open(
        job.study_instance_uid,
        job.subject,
        job.job_id,
        model,
        _uids(mine),
        {image.sop_instance_uid: image.judged_version or 1 for image in (*mine, *others)},
        _uids(others),
        _uids(gone),
    )


def _told_apart(
    tx: Transaction, job: JobRow, images: Sequence[InstanceRow]
) -> tuple[list[InstanceRow], list[InstanceRow], list[InstanceRow]]:
    """The images of the patient of the study, those of others, and those of the patient whose bytes were removed after
    their own report; these count in whose study it is."""
    patients = tx.versions.patients_of_study(job.study_instance_uid)
    is_mine = of_one_patient([patients.get(image.sop_instance_uid) for image in images])
    found: tuple[list[InstanceRow], list[InstanceRow], list[InstanceRow]] = ([], [], [])
    for image, is_one in zip(images, is_mine, strict=True):
        if image.removed_at is None:
            found[0 if is_one else 1].append(image)
        elif is_one:
            found[2].append(image)
    return found


def _is_judged_anew(tx: Transaction, job: JobRow) -> bool:
    """Whether other bytes of an image that was reported wait for their analysis. A report without that image would say
    that it is gone, and be the last word if those bytes change nothing."""
    images = tx.instances.of_study(job.study_instance_uid)
    return any(one.state == "received" and one.covered and one.route == job.subject for one in images)


def _images(tx: Transaction, job: JobRow) -> list[InstanceRow]:
    """The judged images of the study and route, in the order in which they came."""
    return [
        image
        for image in tx.instances.of_study(job.study_instance_uid)
        if image.route == job.subject and image.reportable and image.state != "received"
    ]


def _leave_out(tx: Transaction, job: JobRow, mine: Sequence[InstanceRow], others: Sequence[InstanceRow]) -> None:
    """Tell of each image why it is not part of the report, and take back what was told of those that are."""
    tx.instances.take_in(_uids(mine), OTHER_PATIENT)
    if not others:
        return
    reason = REASON_OF_CODE[OTHER_PATIENT].sentence
    tx.instances.leave_out(_uids(others), OTHER_PATIENT, reason)
    for image in others:
        tx.events.add(job.study_instance_uid, image.sop_instance_uid, "left_out", f"{OTHER_PATIENT}: {reason}")
    log.warning(
        "images of another patient left out of a report",
        extra={"study_instance_uid": job.study_instance_uid, "route": job.subject, "images": len(others)},
    )


def _uids(images: Sequence[InstanceRow]) -> list[str]:
    return [image.sop_instance_uid for image in images]


def _was_analysed(instance: InstanceRow) -> bool:
    return instance.state in ("inferred", "reported") or instance.decline_code == OTHER_PATIENT
