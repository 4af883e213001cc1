"""What happened to one study: what came, what was found or refused and why, what was reported and delivered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from converter.result.findings import where_in_words
from scp_node.ledger import EventRow, InstanceRow, JobRow, ReportRow, ResultRow, Transaction, regions_column
from scp_node.ledger import tables as t
from scp_node.ledger.records import InstanceState
from scp_node.ledger.removal_records import removed_words
from scp_node.queries.deliveries import DeliveryFilter, DeliveryRecord, list_deliveries

ROWS_MAX = 10_000
RESULTS_ASKED_MAX = 1_000  # as many result UIDs as one statement takes
Row = TypeVar("Row")


@dataclass(frozen=True)
class FoundInImage:
    """One judged score of an image. place: where in the lungs, as "right lung, lower zone", or why it has no place;
    empty where not known."""

    name: str
    probability: float
    threshold: float
    positive: bool
    place: str = ""


@dataclass(frozen=True)
class ImageStory:
    """One received image. `decline_code` and `reason` say why it was not analysed, `removed` when and why its file
    went."""

    sop_instance_uid: str
    received_at: datetime
    source: str
    state: InstanceState
    decline_code: str | None
    reason: str
    notes: tuple[str, ...]
    findings: tuple[FoundInImage, ...]
    removed: str = ""
    model: str | None = None


@dataclass(frozen=True)
class ResultStory:
    """One result object and where it went. `removed`: when and why its file went."""

    sop_instance_uid: str
    kind: str
    deliveries: tuple[DeliveryRecord, ...]
    removed: str = ""


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
    """`is_whole`: nothing was left out for length. Else those images are there that are positive, then those that were
    not analysed, then the first; those jobs that go on, then those given up, then the first that are done; and the last
    reports, with the results of the last, and events. All are in the order of time."""

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
    told = [_image(one, findings.get(one.sop_instance_uid, [])) for one in images]
    results, has_all_results = _results(tx, reports[-rows_max:], rows_max)
    deliveries = _deliveries(tx, [one.sop_instance_uid for some in results.values() for one in some])
    counts = (len(images), len(reports), len(jobs), len(events))
    return StudyStory(
        study_instance_uid=study_instance_uid,
        images=tuple(_foremost(told, rows_max, _rank_of_image)),
        reports=tuple(_report(one, results.get(one.id, []), deliveries) for one in reports[-rows_max:]),
        jobs=tuple(_foremost(jobs, rows_max, _rank_of_job)),
        events=tuple(events[-rows_max:]),
        is_whole=max(counts) <= rows_max and has_all_results,
    )


def _foremost(rows: Sequence[Row], limit: int, rank: Callable[[Row], int]) -> list[Row]:
    """Those of the lowest rank, the first ones among them, in the order that they had."""
    kept = sorted(range(len(rows)), key=lambda number: rank(rows[number]))[:limit]
    return [rows[number] for number in sorted(kept)]


def _rank_of_image(image: ImageStory) -> int:
    if any(found.positive for found in image.findings):
        return 0
    return 2 if image.state in ("inferred", "reported") else 1


def _rank_of_job(job: JobRow) -> int:
    return {"dead": 1, "done": 2}.get(job.state, 0)


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
        removed=removed_words(instance),
        model=instance.model,
    )


def _results(tx: Transaction, reports: Sequence[ReportRow], limit: int) -> tuple[dict[int, list[ResultRow]], bool]:
    """By report, those of the last report first until there are enough; and whether these are all."""
    found: dict[int, list[ResultRow]] = {}
    for report in reversed(reports):
        rows = tx.results.of_report(report.id)
        found[report.id] = sorted(rows, key=lambda one: one.kind != "sr")[:limit] if len(rows) > limit else rows
        if len(rows) > limit:
            return found, False
        limit -= len(rows)
    return found, True


def _report(
    report: ReportRow, results: Sequence[ResultRow], deliveries: dict[str, list[DeliveryRecord]]
) -> ReportStory:
    told = tuple(
        ResultStory(one.sop_instance_uid, one.kind, tuple(deliveries.get(one.sop_instance_uid, ())), removed_words(one))
        for one in results
    )
    return ReportStory(
        report.route,
        report.revision,
        report.model,
        report.built_at,
        len(report.instances),
        told,
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
        where = where_in_words(regions_column.read(row.regions), row.unplaced)
        told = FoundInImage(row.name, row.probability, row.threshold, row.positive, where)
        found[row.sop_instance_uid].append(told)
    return found


def _deliveries(tx: Transaction, result_uids: Sequence[str]) -> dict[str, list[DeliveryRecord]]:
    """By result, oldest first; a result has one for each destination."""
    found: dict[str, list[DeliveryRecord]] = defaultdict(list)
    for first in range(0, len(result_uids), RESULTS_ASKED_MAX):
        wanted = DeliveryFilter(result_uids=result_uids[first : first + RESULTS_ASKED_MAX])
        for one in reversed(list_deliveries(tx, wanted, None)):
            found[one.result_uid].append(one)
    return found


def _last_events(tx: Transaction, study_instance_uid: str, limit: int) -> list[EventRow]:
    """Those that were entered last, in the order of time: a step is entered when its job ends."""
    columns = (t.event.c[name] for name in ("at", "study_instance_uid", "subject", "step", "outcome", "took_ms"))
    mine = sa.select(*columns).where(t.event.c.study_instance_uid == study_instance_uid)
    rows = tx.connection.execute(mine.order_by(t.event.c.id.desc()).limit(limit)).all()
    return sorted((EventRow(**row._mapping) for row in reversed(rows)), key=lambda event: event.at)
