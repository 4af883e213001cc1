"""Which job, study or result a person means: by its id or UID, or by a beginning or an end that no other one has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

import sqlalchemy as sa

from scp_node.errors import NothingFound, UsageError
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t

CANDIDATES_MAX = 10
_PART_OF_UID = re.compile(r"[0-9.]{4,64}")


def job_named(tx: Transaction, text: str) -> str:
    """The id of the job that is meant. Raises UsageError when it may be one of several, NothingFound when of none."""
    found = _meant(tx, t.job.c.job_id, _wanted(text, "a job"))
    if not found:
        raise NothingFound(f"there is no job {text}; 'hilum jobs list' names them, with --state done also those of old")
    return _only("jobs", text, found)


def study_named(tx: Transaction, text: str) -> str:
    """The UID of the study that is meant, by its UID or its accession number. Raises like `job_named`."""
    wanted = _wanted(text, "a study")
    uid, number = t.study.c.study_instance_uid, t.study.c.accession_number
    if tx.connection.execute(sa.select(uid).where(uid == wanted)).first() is not None:
        return wanted
    by_number = sa.select(uid).where(number == wanted).limit(CANDIDATES_MAX + 1)
    found = tx.connection.execute(by_number).scalars().all() or _parts(tx, uid, wanted)
    if not found:
        raise NothingFound(f"there is no study {text}; 'hilum studies' lists what came")
    return _only("studies", text, found)


def result_named(tx: Transaction, text: str) -> str:
    """The UID of the result that is meant. Raises like `job_named`."""
    found = _meant(tx, t.result.c.sop_instance_uid, _wanted(text, "a result"))
    if not found:
        raise NothingFound(f"no result {text} was made by this node; 'hilum explain' names those of a study")
    return _only("results", text, found)


def study_of_part(tx: Transaction, text: str) -> str | None:
    """The study that is meant by a beginning or an end of its UID, or of that of one of its images or results. None
    where nothing has it. Raises UsageError when several studies may be meant."""
    if _PART_OF_UID.fullmatch(text) is None:
        return None
    found = dict.fromkeys(_parts(tx, t.study.c.study_instance_uid, text))
    for uid in (*_parts(tx, t.instance.c.sop_instance_uid, text), *_parts(tx, t.result.c.sop_instance_uid, text)):
        found.update(dict.fromkeys(tx.studies.matching(uid)))
    return _only("studies", text, list(found)) if found else None


def _wanted(text: str, what: str) -> str:
    if not text.strip():
        raise UsageError(f"name {what}: its id, or a beginning or an end of it")
    return text.strip()


def _meant(tx: Transaction, column: sa.Column[str], text: str) -> Sequence[str]:
    """The one that has this name, or else those that begin or end with it, a few of many."""
    exact = tx.connection.execute(sa.select(column).where(column == text)).scalars().all()
    return exact or _parts(tx, column, text)


def _parts(tx: Transaction, column: sa.Column[str], text: str) -> Sequence[str]:
    part = sa.or_(column.startswith(text, autoescape=True), column.endswith(text, autoescape=True))
    return tx.connection.execute(sa.select(column).where(part).limit(CANDIDATES_MAX + 1)).scalars().all()


def _only(what: str, text: str, found: Sequence[str]) -> str:
    if len(found) > 1:
        _ambiguous(what, text, found)
    return found[0]


def _ambiguous(what: str, text: str, found: Sequence[str]) -> NoReturn:
    more = len(found) > CANDIDATES_MAX
    error = UsageError(
        f"'{text}' may be one of {'more than ' if more else ''}{min(len(found), CANDIDATES_MAX)} {what}:"
    )
    error.further_lines = tuple(f"    {one}" for one in sorted(found[:CANDIDATES_MAX]))
    raise error
