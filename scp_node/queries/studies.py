"""The studies that came, newest first, and in a few words what became of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.records import DeliveryState, InstanceState

LIMIT_MAX = 1_000  # as many study UIDs as one statement takes


@dataclass(frozen=True)
class StudyFilter:
    """What is left empty does not matter. A study is listed when one of its images is as asked for."""

    received_from: datetime | None = None
    received_before: datetime | None = None
    source: str | None = None
    state: InstanceState | None = None
    decline_code: str | None = None
    positive: bool = False


@dataclass(frozen=True)
class StudySummary:
    """images, deliveries: how many there are in each state. declines: codes. positives: names of findings."""

    study_instance_uid: str
    accession_number: str
    first_received_at: datetime
    images: Mapping[InstanceState, int]
    declines: tuple[str, ...]
    positives: tuple[str, ...]
    deliveries: Mapping[DeliveryState, int]


def list_studies(tx: Transaction, wanted: StudyFilter, limit: int) -> tuple[StudySummary, ...]:
    """At most `limit` studies, and never more than LIMIT_MAX, by the time their first image came, newest first."""
    columns = (t.study.c.study_instance_uid, t.study.c.accession_number, t.study.c.first_received_at)
    newest = sa.select(*columns).where(*_conditions(wanted))
    order = (t.study.c.first_received_at.desc(), t.study.c.study_instance_uid)
    studies = tx.connection.execute(newest.order_by(*order).limit(min(limit, LIMIT_MAX))).all()
    uids = [study.study_instance_uid for study in studies]
    images, declines = _images(tx, uids)
    positives, deliveries = _positives(tx, uids), _deliveries(tx, uids)
    return tuple(
        StudySummary(
            **study._mapping,
            images=dict(images[study.study_instance_uid]),
            declines=tuple(sorted(declines[study.study_instance_uid])),
            positives=tuple(positives[study.study_instance_uid]),
            deliveries=dict(deliveries[study.study_instance_uid]),
        )
        for study in studies
    )


def _conditions(wanted: StudyFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.received_from is not None:
        conditions.append(t.study.c.first_received_at >= wanted.received_from)
    if wanted.received_before is not None:
        conditions.append(t.study.c.first_received_at < wanted.received_before)
    of_image = {t.instance.c.source: wanted.source, t.instance.c.state: wanted.state}
    of_image[t.instance.c.decline_code] = wanted.decline_code
    asked = [column == value for column, value in of_image.items() if value is not None]
    if wanted.positive:
        is_positive = sa.and_(t.finding.c.sop_instance_uid == t.instance.c.sop_instance_uid, t.finding.c.positive)
        asked.append(sa.select(t.finding.c.name).where(is_positive).correlate(t.instance).exists())
    if asked:
        mine = t.instance.c.study_instance_uid == t.study.c.study_instance_uid
        conditions.append(sa.select(t.instance.c.state).where(mine, *asked).correlate(t.study).exists())
    return conditions


def _images(tx: Transaction, uids: Sequence[str]) -> tuple[dict[str, dict[InstanceState, int]], dict[str, set[str]]]:
    """By study, the number of images in each state, and the codes of those that were declined."""
    columns = (t.instance.c.study_instance_uid, t.instance.c.state, t.instance.c.decline_code)
    mine = t.instance.c.study_instance_uid.in_(uids)
    counts: dict[str, dict[InstanceState, int]] = defaultdict(lambda: defaultdict(int))
    declines: dict[str, set[str]] = defaultdict(set)
    rows = tx.connection.execute(sa.select(*columns, sa.func.count()).where(mine).group_by(*columns))
    for uid, state, code, count in rows:
        counts[uid][state] += count
        if code is not None:
            declines[uid].add(code)
    return counts, declines


def _positives(tx: Transaction, uids: Sequence[str]) -> dict[str, list[str]]:
    columns = (t.instance.c.study_instance_uid, t.finding.c.name)
    rows = tx.connection.execute(
        sa.select(*columns)
        .join(t.finding, t.finding.c.sop_instance_uid == t.instance.c.sop_instance_uid)
        .where(t.instance.c.study_instance_uid.in_(uids), t.finding.c.positive)
        .distinct()
        .order_by(*columns)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for uid, name in rows:
        found[uid].append(name)
    return found


def _deliveries(tx: Transaction, uids: Sequence[str]) -> dict[str, dict[DeliveryState, int]]:
    columns = (t.report.c.study_instance_uid, t.delivery.c.state)
    rows = tx.connection.execute(
        sa.select(*columns, sa.func.count())
        .join(t.result, t.result.c.report_id == t.report.c.id)
        .join(t.delivery, t.delivery.c.result_uid == t.result.c.sop_instance_uid)
        .where(t.report.c.study_instance_uid.in_(uids))
        .group_by(*columns)
    )
    found: dict[str, dict[DeliveryState, int]] = defaultdict(dict)
    for uid, state, count in rows:
        found[uid][state] = count
    return found
