"""What may go: conditions on a row of hilum_study. Nothing goes of a study of which anything is still to be done.

A study is done when each of its images is judged and reported (or belongs into no report), no job of it is queued,
waiting or running, and each of its results is delivered, and confirmed where that is still asked for. What was given up
is done once its dead letters have been kept for as long as the settings say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from scp_node.ledger import tables as t
from scp_node.ledger.records import LIVE_JOBS
from scp_node.settings import Retention

ENDED_DELIVERIES = ("sent", "committed")
# Everything that belongs to a study is found by its UID; the tables are those of the outer statement only here.
_STUDY = t.study.c.study_instance_uid


@dataclass(frozen=True)
class Before:
    """What must have ended before `done`, and been given up before `dead`; None = however lately, and never."""

    done: datetime | None
    dead: datetime | None

    @classmethod
    def of(cls, settings: Retention, days: float | None, now: datetime) -> Before:
        """The moments that settings mean now. `days`: since a study is done, None where that does not matter."""
        dead = settings.dead_letters_days
        return cls(
            None if days is None else now - timedelta(days=days), None if dead is None else now - timedelta(days=dead)
        )


def is_done(before: Before) -> sa.ColumnElement[bool]:
    """Whether nothing is to be done for a study, and nothing was since."""
    answered = () if before.done is None else (~_commitment(t.commitment.c.answered_at >= before.done),)
    return sa.and_(
        ~_any(t.job, t.job.c.study_instance_uid == _STUDY, _is_live(before)),
        ~_any(t.instance, t.instance.c.study_instance_uid == _STUDY, _is_unfinished(before)),
        ~_delivery(_is_on_its_way(before)),
        *answered,
    )


def _is_live(before: Before) -> sa.ColumnElement[bool]:
    """Of a job: somebody will work on it, may want to, or did so lately."""
    dead = sa.and_(t.job.c.state == "dead", _is_kept(t.job.c.changed_at, before.dead))
    return sa.or_(t.job.c.state.in_(LIVE_JOBS), dead, _is_recent(t.job.c.changed_at, before.done))


def _is_unfinished(before: Before) -> sa.ColumnElement[bool]:
    """Of an image: not judged, or in no report unless that was given up, or it came lately."""
    given_up = _any(
        t.job, t.job.c.study_instance_uid == _STUDY, t.STUDY_JOB, t.job.c.subject == t.instance.c.route,
        t.job.c.state == "dead",
    )  # fmt: skip
    return sa.or_(
        t.instance.c.state == "received",
        sa.and_(t.UNCOVERED, ~given_up),
        _is_recent(t.instance.c.received_at, before.done),
    )


def _is_on_its_way(before: Before) -> sa.ColumnElement[bool]:
    """Of a delivery: not sent, or given up and kept for a person, or sent lately."""
    dead = t.delivery.c.state == "dead"
    return sa.or_(
        sa.and_(t.delivery.c.state.not_in(ENDED_DELIVERIES), ~dead),
        sa.and_(dead, _is_kept(t.delivery.c.created_at, before.dead)),
        _is_recent(sa.func.coalesce(t.delivery.c.sent_at, t.delivery.c.created_at), before.done),
    )


def _is_recent(moment: sa.ColumnElement[datetime], before: datetime | None) -> sa.ColumnElement[bool]:
    return sa.false() if before is None else moment >= before


def _is_kept(moment: sa.ColumnElement[datetime], before: datetime | None) -> sa.ColumnElement[bool]:
    return sa.true() if before is None else moment >= before


def _any(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    outer = (t.study, t.instance) if table is t.job else (t.study,)
    return sa.select(sa.literal(1)).select_from(table).where(*conditions).correlate(*outer).exists()


def _delivery(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether a result of the study has such a delivery."""
    found = (
        sa.select(sa.literal(1))
        .select_from(t.report)
        .join(t.result, t.result.c.report_id == t.report.c.id)
        .join(t.delivery, t.delivery.c.result_uid == t.result.c.sop_instance_uid)
    )
    return found.where(t.report.c.study_instance_uid == _STUDY, condition).correlate(t.study).exists()


def _commitment(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether a result of the study has such a request to an archive."""
    found = (
        sa.select(sa.literal(1))
        .select_from(t.report)
        .join(t.result, t.result.c.report_id == t.report.c.id)
        .join(t.delivery, t.delivery.c.result_uid == t.result.c.sop_instance_uid)
        .join(t.commitment, t.commitment.c.delivery_id == t.delivery.c.id)
    )
    return found.where(t.report.c.study_instance_uid == _STUDY, condition).correlate(t.study).exists()
