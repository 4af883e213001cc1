"""What happened to one study: what came, what was found or refused and why, what was reported and delivered."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import EventRow, InstanceRow, JobRow, ReportRow, Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.records import InstanceState
from scp_node.queries.deliveries import DeliveryFilter, DeliveryRecord, list_deliveries

ROWS_MAX = 10_000


@dataclass(frozen=True)
class FoundInImage:
    """One judged score of an image."""

    name: str
    probability: float
    threshold: float
    positive: bool


@dataclass(frozen=True)
class ImageStory:
    """One received image. `decline_code` and `reason` say why it was not analysed."""

    sop_instance_uid: str
    received_at: datetime
    source: str
    state: InstanceState
    decline_code: str | None
    reason: str
    notes: tuple[str, ...]
    findings: tuple[FoundInImage, ...]


@dataclass(frozen=True)
class ResultStory:
    """One result object and where it went."""

    sop_instance_uid: str
    kind: str
    deliveries: tuple[DeliveryRecord, ...]


@dataclass(frozen=True)
class ReportStory:
    """One revision of the report of a route; `built_at` is None while it is being built, and where it was `abandoned`
    because an image changed meanwhile."""

    route: str
    revision: int
    model: str
    built_at: datetime | None
    images: int
    results: tuple[ResultStory, ...]
    is_abandoned: bool = False


@dataclass(frozen=True)
class StudyStory:
    """`is_whole`: nothing was left out for length; else the first images, reports and jobs are there, and the last
    events."""

    study_instance_uid: str
    images: tuple[ImageStory, ...]
    reports: tuple[ReportStory, ...]
    jobs: tuple[JobRow, ...]
    events: tuple[EventRow, ...]
    is_whole: bool


def studies_named(tx: Transaction, key: str, limit: int) -> tuple[str, ...]:
    """Study Instance UIDs that `key` names: an accession number, or a study, SOP instance or result UID."""
    return tuple(tx.studies.matching(key)[:limit])


def story_of(tx: Transaction, study_instance_uid: str, rows_max: int = ROWS_MAX) -> StudyStory:
    """Everything that the ledger knows of a study, at most `rows_max` of each kind; nothing for an unknown one."""
    images = tx.instances.of_study(study_instance_uid)
    reports = tx.reports.of_study(study_instance_uid)
    jobs = tx.jobs.of_study(study_instance_uid)
    events = _last_events(tx, study_instance_uid, rows_max + 1)
    findings = _findings(tx, study_instance_uid)
    deliveries = _deliveries(tx, study_instance_uid, rows_max + 1)
    counts = (len(images), len(reports), len(jobs), len(events), sum(map(len, deliveries.values())))
    return StudyStory(
        study_instance_uid=study_instance_uid,
        images=tuple(_image(one, findings.get(one.sop_instance_uid, [])) for one in images[:rows_max]),
        reports=tuple(_report(tx, one, deliveries) for one in reports[:rows_max]),
        jobs=tuple(jobs[:rows_max]),
        events=tuple(events[-rows_max:]),
        is_whole=max(counts) <= rows_max,
    )


def _image(instance: InstanceRow, findings: list[FoundInImage]) -> ImageStory:
    return ImageStory(
        sop_instance_uid=instance.sop_instance_uid,
        received_at=instance.received_at,
        source=instance.source,
        state=instance.state,
        decline_code=instance.decline_code,
        reason=instance.detail,
        notes=tuple(instance.notes),
        findings=tuple(findings),
    )


def _report(tx: Transaction, report: ReportRow, deliveries: dict[str, list[DeliveryRecord]]) -> ReportStory:
    results = tuple(
        ResultStory(one.sop_instance_uid, one.kind, tuple(deliveries.get(one.sop_instance_uid, ())))
        for one in tx.results.of_report(report.id)
    )
    return ReportStory(
        report.route,
        report.revision,
        report.model,
        report.built_at,
        len(report.instances),
        results,
        is_abandoned=report.abandoned_at is not None,
    )


def _findings(tx: Transaction, study_instance_uid: str) -> dict[str, list[FoundInImage]]:
    """By image; read at once, without the maps that are kept beside them."""
    mine = t.instance.c.study_instance_uid == study_instance_uid
    rows = tx.connection.execute(
        sa.select(t.finding)
        .join(t.instance, t.instance.c.sop_instance_uid == t.finding.c.sop_instance_uid)
        .where(mine)
        .order_by(t.finding.c.sop_instance_uid, t.finding.c.position)
    )
    found: dict[str, list[FoundInImage]] = defaultdict(list)
    for row in rows:
        found[row.sop_instance_uid].append(FoundInImage(row.name, row.probability, row.threshold, row.positive))
    return found


def _deliveries(tx: Transaction, study_instance_uid: str, limit: int) -> dict[str, list[DeliveryRecord]]:
    """By result, oldest first."""
    found: dict[str, list[DeliveryRecord]] = defaultdict(list)
    for one in reversed(list_deliveries(tx, DeliveryFilter(study_instance_uid=study_instance_uid), limit)):
        found[one.result_uid].append(one)
    return found


def _last_events(tx: Transaction, study_instance_uid: str, limit: int) -> list[EventRow]:
    """In the order in which they were entered."""
    columns = (t.event.c[name] for name in ("at", "study_instance_uid", "subject", "step", "outcome", "took_ms"))
    mine = sa.select(*columns).where(t.event.c.study_instance_uid == study_instance_uid)
    rows = tx.connection.execute(mine.order_by(t.event.c.id.desc()).limit(limit)).all()
    return [EventRow(**row._mapping) for row in reversed(rows)]
