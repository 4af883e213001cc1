"""Versions of an object: all that came under one SOP Instance UID, what was seen of each, and which one is current."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from converter.result.patient import Patient
from scp_node.ledger import tables as t
from scp_node.ledger.events import Events, told_of
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.instances import Instances
from scp_node.ledger.records import AddOutcome, InstanceRow, ReceivedInstance
from scp_node.ledger.repository import Repository
from scp_node.ledger.studies import Studies
from scp_node.ledger.version_records import VersionFacts, VersionRow

# What an instance row and the row of its current version have in common.
_RECEIVED = (
    "sop_class_uid",
    "study_instance_uid",
    "series_instance_uid",
    "transfer_syntax_uid",
    "source",
    "calling_ae_title",
    "called_ae_title",
    "spool_name",
    "bytes",
    "digest",
    "received_at",
)
_REMOVED = ("removed_at", "removed_because")
_KEYS = ("sop_instance_uid", "version")


class Versions(Repository):
    """Statements on versions of instances."""

    def make_current(self, record: ReceivedInstance) -> AddOutcome:
        """Bytes that are not current came under a known UID: they are now. Returns `changed` for bytes that were never
        seen, `returned` for those of an earlier version, which keeps its number and its file.

        What was found in the version before stands until the new one is judged.
        """
        uid = record.sop_instance_uid
        locked = sa.select(t.instance.c.version).where(t.instance.c.sop_instance_uid == uid).with_for_update()
        self._connection.execute(locked).one()
        self._keep_current(uid)
        number = self.number_of(record)
        outcome: AddOutcome = "changed" if number is None else "returned"
        received = {column: getattr(record, column) for column in _RECEIVED}
        if number is None:
            highest = sa.select(sa.func.max(t.version.c.version)).where(t.version.c.sop_instance_uid == uid)
            number = self._connection.execute(highest).scalar_one() + 1
            row = {"sop_instance_uid": uid, "version": number, **received}
            self._connection.execute(sa.insert(t.version).values(row))
        self._is_there(record)
        self._connection.execute(
            sa.update(t.instance)
            .where(t.instance.c.sop_instance_uid == uid)
            .values(**received, version=number, state="received", priority=record.priority)
        )
        told = f"version {number}{' again' if outcome == 'returned' else ''}: {told_of(record)}"
        Events(self._connection).add(record.study_instance_uid, uid, "received", told, at=record.received_at)
        return outcome

    def bring_back(self, record: ReceivedInstance) -> None:
        """The bytes of the current version, whose file was removed, have come again; what was found in them stands."""
        self._is_there(record)
        told = f"again, after its file was removed: {told_of(record)}"
        uid, study = record.sop_instance_uid, record.study_instance_uid
        Events(self._connection).add(study, uid, "received", told, at=record.received_at)

    def _is_there(self, record: ReceivedInstance) -> None:
        """The file of a version has come, and its study has images again."""
        Studies(self._connection).add(record)
        uid = record.sop_instance_uid
        there = {"received_at": record.received_at, **dict.fromkeys(_REMOVED)}
        same = (t.version.c.digest == record.digest, t.version.c.bytes == record.bytes)
        self._connection.execute(sa.update(t.version).where(t.version.c.sop_instance_uid == uid, *same).values(**there))
        self._connection.execute(sa.update(t.instance).where(t.instance.c.sop_instance_uid == uid).values(**there))

    def number_of(self, record: ReceivedInstance) -> int | None:
        """The number of the version with the bytes of `record`, if they have come before."""
        mine = (t.version.c.sop_instance_uid == record.sop_instance_uid, t.version.c.digest == record.digest)
        seen = sa.select(t.version.c.version).where(*mine, t.version.c.bytes == record.bytes)
        return self._connection.execute(seen).scalar_one_or_none()

    def describe(self, sop_instance_uid: str, version: int, facts: VersionFacts) -> None:
        """Enter what a worker saw of a version."""
        self._keep_current(sop_instance_uid)
        self._connection.execute(
            sa.update(t.version)
            .where(t.version.c.sop_instance_uid == sop_instance_uid, t.version.c.version == version)
            .values(
                sha256=facts.sha256,
                copied=facts.copied,
                pixels=facts.pixels,
                shown=facts.shown,
                header=facts.header,
                **_named(facts.patient),
            )
        )

    def name_patient(self, sop_instance_uid: str, version: int, patient: Patient) -> None:
        """Enter whose image a version is, where that is all that is known of it."""
        self._keep_current(sop_instance_uid)
        mine = (t.version.c.sop_instance_uid == sop_instance_uid, t.version.c.version == version)
        self._connection.execute(sa.update(t.version).where(*mine).values(**_named(patient)))

    def get(self, sop_instance_uid: str, version: int) -> VersionRow | None:
        mine = (t.version.c.sop_instance_uid == sop_instance_uid, t.version.c.version == version)
        row = self._connection.execute(sa.select(t.version).where(*mine)).one_or_none()
        return None if row is None else _version_row(row._asdict())

    def of_instance(self, sop_instance_uid: str) -> list[VersionRow]:
        mine = t.version.c.sop_instance_uid == sop_instance_uid
        rows = self._connection.execute(sa.select(t.version).where(mine).order_by(t.version.c.version))
        return [_version_row(row._asdict()) for row in rows]

    def as_of(self, sop_instance_uid: str, version: int) -> InstanceRow:
        """The instance with the bytes of that version, whichever is current."""
        instance = Instances(self._connection).get(sop_instance_uid)
        kept = self.get(sop_instance_uid, version) if instance.version != version else None
        if kept is None:
            return instance
        columns = (*_RECEIVED, *_REMOVED)
        return replace(instance, version=version, **{column: getattr(kept, column) for column in columns})

    def patients_of_study(self, study_instance_uid: str) -> dict[str, Patient]:
        """By SOP Instance UID, whose image it is: that of the version which was judged, where its header was read."""
        judged = sa.and_(
            t.version.c.sop_instance_uid == t.instance.c.sop_instance_uid,
            t.version.c.version == t.instance.c.judged_version,
            t.version.c.patient_id.is_not(None),
        )
        rows = self._connection.execute(
            sa.select(t.version).join(t.instance, judged).where(t.instance.c.study_instance_uid == study_instance_uid)
        )
        patients = ((row.sop_instance_uid, _patient(row._asdict())) for row in rows)
        return {uid: patient for uid, patient in patients if patient is not None}

    def _keep_current(self, sop_instance_uid: str) -> None:
        """The row of the current version, copied from its instance if it is not there yet."""
        columns = (*_KEYS, *_RECEIVED, *_REMOVED)
        current = sa.select(*(t.instance.c[name] for name in columns)).where(
            t.instance.c.sop_instance_uid == sop_instance_uid
        )
        self._connection.execute(insert_once(self._connection, t.version).from_select(columns, current))


def _named(patient: Patient | None) -> dict[str, str | None]:
    return {
        "patient_id": None if patient is None else patient.id,
        "patient_id_issuer": None if patient is None else patient.id_issuer,
        "patient_name": None if patient is None else patient.name,
        "patient_birth_date": None if patient is None else patient.birth_date,
    }


def _patient(row: Mapping[str, Any]) -> Patient | None:
    if row["patient_id"] is None:
        return None
    return Patient(row["patient_id"], row["patient_id_issuer"], row["patient_name"], row["patient_birth_date"])


def _version_row(row: Mapping[str, Any]) -> VersionRow:
    facts = VersionFacts(row["sha256"], row["copied"], row["pixels"], row["shown"], _patient(row), row["header"])
    return VersionRow(**{column: row[column] for column in (*_KEYS, *_RECEIVED, *_REMOVED)}, facts=facts)
