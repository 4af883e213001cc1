"""The studies that came, newest first, and in a few words what became of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.records import DeliveryState, InstanceState

LIMIT_MAX = 1_000  # as many study UIDs as one statement takes
# Whether one of its images is as asked for is looked up study by study: so many for one page.
LOOKED_THROUGH_MAX = 5_000


@dataclass(frozen=True)
class StudyFilter:
    """What is left empty does not matter. A study is listed when one of its images is as asked for; `finding`: is
    positive for it. `dead`: something of it was given up."""

    received_from: datetime | None = None
    received_before: datetime | None = None
    source: str | None = None
    state: InstanceState | None = None
    declined: bool = False
    decline_code: str | None = None
    positive: bool = False
    finding: str | None = None
    dead: bool = False
    accession_numbers: Sequence[str] = ()
    study_instance_uids: Sequence[str] | None = None


@dataclass(frozen=True)
class StudyKey:
    """The place of a study in the list: when its first image came, and its UID among those that came at once."""

    first_received_at: datetime
    study_instance_uid: str


@dataclass(frozen=True)
class StudySummary:
    """sources: remote AEs that it came from. images, deliveries: how many there are in each state. declines: codes.
    positives: the highest probability of each finding that is positive. dead_jobs: how many were given up."""

    study_instance_uid: str
    accession_number: str
    first_received_at: datetime
    sources: tuple[str, ...]
    images: Mapping[InstanceState, int]
    declines: tuple[str, ...]
    positives: Mapping[str, float]
    deliveries: Mapping[DeliveryState, int]
    dead_jobs: int = 0

    @property
    def key(self) -> StudyKey:
        return StudyKey(self.first_received_at, self.study_instance_uid)


@dataclass(frozen=True)
class StudyPage:
    """`next`: the key behind which the list goes on. `looked_until`: where a page was ended before it was full, because
    enough studies were looked through: when the last of these came."""

    studies: tuple[StudySummary, ...]
    next: StudyKey | None = None
    looked_until: datetime | None = None


def page_of_studies(tx: Transaction, wanted: StudyFilter, limit: int, after: StudyKey | None = None) -> StudyPage:
    """At most `limit` studies like `list_studies` has them, found in bounded time: what is asked of images that few
    studies have may take several pages, of which some are empty, until `next` is None."""
    last = _last_looked_through(tx, wanted, after)
    found = list_studies(tx, wanted, limit + 1, after, last)
    if len(found) > limit:
        return StudyPage(found[:limit], found[limit - 1].key)
    return StudyPage(found) if last is None else StudyPage(found, last, last.first_received_at)


def list_studies(
    tx: Transaction, wanted: StudyFilter, limit: int, after: StudyKey | None = None, last: StudyKey | None = None
) -> tuple[StudySummary, ...]:
    """At most `limit` studies, and never more than LIMIT_MAX, by the time their first image came, newest first; with
    `after`, the key of the last one of these, those that follow, and with `last` none behind it."""
    came_at, uid = t.study.c.first_received_at, t.study.c.study_instance_uid
    newest = sa.select(uid, t.study.c.accession_number, came_at).where(*_conditions(wanted), *_behind(after))
    if last is not None:
        at_once = sa.and_(came_at == last.first_received_at, uid <= last.study_instance_uid)
        newest = newest.where(came_at >= last.first_received_at, sa.or_(came_at > last.first_received_at, at_once))
    studies = tx.connection.execute(newest.order_by(came_at.desc(), uid).limit(min(limit, LIMIT_MAX))).all()
    if not studies:
        return ()
    uids = [study.study_instance_uid for study in studies]
    images, sources, declines = _images(tx, uids)
    positives, deliveries, dead_jobs = _positives(tx, uids), _deliveries(tx, uids), _dead_jobs(tx, uids)
    return tuple(
        StudySummary(
            **study._mapping,
            sources=tuple(sorted(sources[study.study_instance_uid])),
            images=dict(images[study.study_instance_uid]),
            declines=tuple(sorted(declines[study.study_instance_uid])),
            positives=positives[study.study_instance_uid],
            deliveries=dict(deliveries[study.study_instance_uid]),
            dead_jobs=dead_jobs.get(study.study_instance_uid, 0),
        )
        for study in studies
    )


def newest_studies(tx: Transaction, wanted: StudyFilter, limit: int) -> Iterator[StudySummary]:
    """At most `limit` studies, however many these are, newest first."""
    last = None
    while limit > 0:
        page = list_studies(tx, wanted, limit, last)
        yield from page
        if len(page) < min(limit, LIMIT_MAX):
            return
        limit, last = limit - len(page), page[-1].key


def _behind(after: StudyKey | None) -> list[sa.ColumnElement[bool]]:
    if after is None:
        return []
    came_at, uid = t.study.c.first_received_at, t.study.c.study_instance_uid
    at_once = sa.and_(came_at == after.first_received_at, uid > after.study_instance_uid)
    return [came_at <= after.first_received_at, sa.or_(came_at < after.first_received_at, at_once)]


def _last_looked_through(tx: Transaction, wanted: StudyFilter, after: StudyKey | None) -> StudyKey | None:
    """The last study that one page looks at; None where there are not as many, or an index finds what is wanted."""
    if wanted.positive or wanted.finding is not None or not _of_image(wanted):
        return None
    came_at, uid = t.study.c.first_received_at, t.study.c.study_instance_uid
    looked_at = sa.select(came_at, uid).where(*_of_study(wanted), *_behind(after)).order_by(came_at.desc(), uid)
    found = tx.connection.execute(looked_at.offset(LOOKED_THROUGH_MAX - 1).limit(2)).all()
    return StudyKey(*found[0]) if len(found) == 2 else None


def _of_study(wanted: StudyFilter) -> list[sa.ColumnElement[bool]]:
    """What a study has to be, whatever its images are."""
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.received_from is not None:
        conditions.append(t.study.c.first_received_at >= wanted.received_from)
    if wanted.received_before is not None:
        conditions.append(t.study.c.first_received_at < wanted.received_before)
    if wanted.accession_numbers:
        conditions.append(t.study.c.accession_number.in_(wanted.accession_numbers))
    if wanted.study_instance_uids is not None:
        conditions.append(t.study.c.study_instance_uid.in_(wanted.study_instance_uids))
    if wanted.dead:
        dead = sa.select(t.job.c.study_instance_uid).where(t.UNFINISHED, t.job.c.state == "dead")
        conditions.append(t.study.c.study_instance_uid.in_(dead))
    return conditions


def _conditions(wanted: StudyFilter) -> list[sa.ColumnElement[bool]]:
    conditions = _of_study(wanted)
    if wanted.positive or wanted.finding is not None:
        positive = sa.select(t.instance.c.study_instance_uid).where(*_of_image(wanted), t.POSITIVE)
        positive = positive.join(t.finding, t.finding.c.sop_instance_uid == t.instance.c.sop_instance_uid)
        if wanted.finding is not None:
            positive = positive.where(sa.func.lower(t.finding.c.name) == wanted.finding.lower())
        return [*conditions, t.study.c.study_instance_uid.in_(positive)]
    asked = _of_image(wanted)
    if asked:
        mine = t.instance.c.study_instance_uid == t.study.c.study_instance_uid
        conditions.append(sa.select(t.instance.c.state).where(mine, *asked).correlate(t.study).exists())
    return conditions


def _of_image(wanted: StudyFilter) -> list[sa.ColumnElement[bool]]:
    """What one image has to be."""
    named = {t.instance.c.source: wanted.source, t.instance.c.state: wanted.state}
    named[t.instance.c.decline_code] = wanted.decline_code
    asked: list[sa.ColumnElement[bool]] = [column == value for column, value in named.items() if value is not None]
    if wanted.declined:
        asked.append(t.instance.c.decline_code.is_not(None))
    return asked


def _images(
    tx: Transaction, uids: Sequence[str]
) -> tuple[dict[str, dict[InstanceState, int]], dict[str, set[str]], dict[str, set[str]]]:
    """By study, the number of images in each state, whom they came from, and the codes of those that were declined."""
    columns = (t.instance.c.study_instance_uid, t.instance.c.state, t.instance.c.source, t.instance.c.decline_code)
    mine = t.instance.c.study_instance_uid.in_(uids)
    counts: dict[str, dict[InstanceState, int]] = defaultdict(lambda: defaultdict(int))
    sources: dict[str, set[str]] = defaultdict(set)
    declines: dict[str, set[str]] = defaultdict(set)
    rows = tx.connection.execute(sa.select(*columns, sa.func.count()).where(mine).group_by(*columns))
    for uid, state, source, code, count in rows:
        counts[uid][state] += count
        sources[uid].add(source)
        if code is not None:
            declines[uid].add(code)
    return counts, sources, declines


def _positives(tx: Transaction, uids: Sequence[str]) -> dict[str, dict[str, float]]:
    columns = (t.instance.c.study_instance_uid, t.finding.c.name)
    rows = tx.connection.execute(
        sa.select(*columns, sa.func.max(t.finding.c.probability))
        .join(t.finding, t.finding.c.sop_instance_uid == t.instance.c.sop_instance_uid)
        .where(t.instance.c.study_instance_uid.in_(uids), t.POSITIVE)
        .group_by(*columns)
        .order_by(*columns)
    )
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for uid, name, probability in rows:
        found[uid][name] = probability
    return found


def _dead_jobs(tx: Transaction, uids: Sequence[str]) -> dict[str, int]:
    of_study = t.job.c.study_instance_uid
    dead = sa.select(of_study, sa.func.count()).where(of_study.in_(uids), t.job.c.state == "dead").group_by(of_study)
    return {uid: count for uid, count in tx.connection.execute(dead)}  # noqa: C416  rows are no tuples to mypy


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
