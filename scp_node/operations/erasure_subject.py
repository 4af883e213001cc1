"""What is to be erased: studies by their UID, or all studies of one patient, as far as the ledger knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from converter.result.patient import Patient
from scp_node.errors import NothingFound, UsageError
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.records import LIVE_JOBS
from scp_node.ledger.removal_records import ErasureKind

_PATIENT = (t.version.c.patient_id, t.version.c.patient_id_issuer, t.version.c.patient_birth_date)


@dataclass(frozen=True)
class StudyToErase:
    """What there is of a study. unfinished: jobs that will never be done; delivered: how many results have reached each
    destination."""

    study_instance_uid: str
    first_received_at: datetime
    images: int
    results: int
    unfinished: int
    delivered: Mapping[str, int]


@dataclass(frozen=True)
class ErasurePlan:
    """unknown: images of the whole node of which the ledger does not know whose they are: not analysed yet, or without
    a header that can be read."""

    kind: ErasureKind
    studies: tuple[StudyToErase, ...]
    unknown: int = 0

    @property
    def images(self) -> int:
        return sum(study.images for study in self.studies)

    @property
    def results(self) -> int:
        return sum(study.results for study in self.studies)


def plan_of_studies(tx: Transaction, study_instance_uids: Sequence[str]) -> ErasurePlan:
    """Raises NothingFound for a study that is not there."""
    return ErasurePlan("study", tuple(study_to_erase(tx, uid) for uid in dict.fromkeys(study_instance_uids)))


def plan_of_patient(tx: Transaction, patient_id: str, issuer: str | None) -> ErasurePlan:
    """All studies with an image under this Patient ID, spelled in whatever way counts as the same.

    Raises NothingFound where there is none, and UsageError where these may be two patients, or a study holds images of
    another one too: what goes must be told by study then.
    """
    wanted = Patient(patient_id, issuer or "")
    if not wanted.compared.id:
        raise UsageError("a Patient ID must be given")
    mine = [one for one in _patients(tx) if wanted.compared.is_same(one.compared)]
    if not mine:
        raise NothingFound("no image of this patient is in the ledger")
    _check_is_one(mine)
    uids = _studies_of(tx, mine)
    for uid in uids:
        others = [one for one in _patients(tx, uid) if one.compared.id and not wanted.compared.is_same(one.compared)]
        if others:
            raise UsageError(
                f"study {uid} also holds images of another patient; erase it by --study if all of it is to go"
            )
    return ErasurePlan("patient", tuple(study_to_erase(tx, uid) for uid in uids), _count_unknown(tx))


def study_to_erase(tx: Transaction, uid: str) -> StudyToErase:
    """Raises NothingFound."""
    came = tx.connection.execute(
        sa.select(t.study.c.first_received_at).where(t.study.c.study_instance_uid == uid)
    ).scalar_one_or_none()
    if came is None:
        raise NothingFound(f"there is no study {uid}")
    results = sa.select(t.result.c.sop_instance_uid).join(t.report, t.report.c.id == t.result.c.report_id)
    mine = results.where(t.report.c.study_instance_uid == uid)
    arrived = sa.select(t.delivery.c.destination, sa.func.count()).where(
        t.delivery.c.result_uid.in_(mine), t.delivery.c.state.in_(("sent", "committed"))
    )
    jobs = (t.job.c.study_instance_uid == uid, t.job.c.state.in_(LIVE_JOBS))
    rows = tx.connection.execute(arrived.group_by(t.delivery.c.destination))
    return StudyToErase(
        uid,
        came,
        _count(tx, t.instance, t.instance.c.study_instance_uid == uid),
        _count(tx, t.result, t.result.c.sop_instance_uid.in_(mine)),
        _count(tx, t.job, *jobs),
        {name: count for name, count in rows},  # noqa: C416  rows are no tuples to mypy
    )


def _patients(tx: Transaction, study_instance_uid: str | None = None) -> list[Patient]:
    """As headers state them, each way once; of one study only those of its images."""
    stated = sa.select(*_PATIENT).where(t.version.c.patient_id.is_not(None)).distinct()
    if study_instance_uid is not None:
        stated = stated.join(t.instance, t.instance.c.sop_instance_uid == t.version.c.sop_instance_uid)
        stated = stated.where(t.instance.c.study_instance_uid == study_instance_uid)
    return [Patient(id_, issuer or "", "", birth or "") for id_, issuer, birth in tx.connection.execute(stated)]


def _check_is_one(patients: Sequence[Patient]) -> None:
    issuers = {one.compared.id_issuer for one in patients} - {""}
    if len(issuers) > 1:
        raise UsageError(f"{len(issuers)} issuers have given out this Patient ID: add --issuer")
    if len({one.compared.birth_date for one in patients} - {""}) > 1:
        raise UsageError("this Patient ID comes with different birth dates: erase by --study what is to go")


def _studies_of(tx: Transaction, patients: Sequence[Patient]) -> list[str]:
    """Those that images of the patient are in, or were in before another version of them came."""
    ways = sa.or_(
        *(
            sa.and_(
                t.version.c.patient_id == one.id, sa.func.coalesce(t.version.c.patient_id_issuer, "") == one.id_issuer
            )
            for one in patients
        )
    )
    now = sa.select(t.instance.c.study_instance_uid).join(
        t.version, t.version.c.sop_instance_uid == t.instance.c.sop_instance_uid
    )
    then = sa.select(t.version.c.study_instance_uid).where(ways)
    known = sa.select(t.study.c.study_instance_uid, t.study.c.first_received_at).where(
        t.study.c.study_instance_uid.in_(now.where(ways).union(then))
    )
    ordered = known.order_by(t.study.c.first_received_at, t.study.c.study_instance_uid)
    return [uid for uid, _ in tx.connection.execute(ordered)]


def _count_unknown(tx: Transaction) -> int:
    stated = sa.select(t.version.c.sop_instance_uid).where(
        t.version.c.sop_instance_uid == t.instance.c.sop_instance_uid,
        t.version.c.version == t.instance.c.version,
        t.version.c.patient_id.is_not(None),
    )
    return _count(tx, t.instance, ~stated.exists())


def _count(tx: Transaction, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    return tx.connection.execute(sa.select(sa.func.count()).select_from(table).where(*conditions)).scalar_one()
