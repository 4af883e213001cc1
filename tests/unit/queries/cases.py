"""A ledger with studies in every state, and the same ledger through an engine that refuses to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from converter.package.concept import Concept
from converter.result.findings import Finding, Region
from converter.result.place import Place
from scp_node.ledger import Analysis, DeliveryRow, Ledger, NewResult, Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.account_records import TokenRow, UserRow
from scp_node.ledger.database import open_database, open_for_reading
from scp_node.ledger.records import JobState
from tests.support.ledger.databases import ledger_url
from tests.support.ledger.ledgers import new_ledger, received

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLACE = Place(right=("lower",))
REGIONS = (Region(((1.0, 2.0), (3.0, 4.0), (1.0, 4.0), (1.0, 2.0)), PLACE),)
SR_CLASS, SC_CLASS = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.7"
NEXT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@contextmanager
def read_only(folder: Path) -> Iterator[Ledger]:
    """The ledger in `folder`; whoever writes to it gets an error of the database."""
    url = ledger_url(folder)
    if url.startswith("sqlite"):  # which is read as it is at that moment where nobody has it open
        engine = open_database(url)
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only=ON"))
    else:
        engine = open_for_reading(url)
    try:
        yield Ledger(engine)
    finally:
        engine.dispose()


def fill(folder: Path) -> None:
    """Study 1: a positive film with a note, a lateral one that was declined, a report, a heat map, one delivery that
    arrived, one that waits and one given up. Study 2: quarantined, an hour later. Study 3: just received, from another
    sender. A user, anna, with a token."""
    ledger = new_ledger(folder)
    with ledger.transaction() as tx:
        receive(tx, 1, 1, NOON)
        receive(tx, 2, 1, NOON + timedelta(seconds=5))
        judge(tx, "1.2.3.1.1", positive=True)
        decline(tx, "1.2.3.1.2")
        report_first_study(tx)
        receive(tx, 1, 2, NOON + timedelta(hours=1))
        decline(tx, "1.2.3.2.1", "quarantined", "undecodable")
        receive(tx, 1, 3, NOON + timedelta(hours=2), source="ward")
        tx.accounts.add(UserRow("anna", "operator", NOON))
        tx.sessions.add_token(TokenRow("t1", "0" * 64, "anna", "script", ("read",), NOON, NOON + timedelta(days=1)))
    ledger.engine.dispose()


def receive(tx: Transaction, number: int, study: int, at: datetime, source: str = "pacs") -> None:
    record = replace(received(number, study, source=source), received_at=at)
    tx.instances.add(record)
    job_id = f"image:{record.sop_instance_uid}"
    enter_job(tx, job_id, "image", record.sop_instance_uid, record.study_instance_uid, "images", at)


def enter_job(tx: Transaction, job_id: str, kind: str, subject: str, study: str, queue: str, at: datetime) -> None:
    """A job as the ledger keeps it, whatever the engine that enters jobs looks like."""
    values: dict[str, Any] = {"job_id": job_id, "kind": kind, "subject": subject, "study_instance_uid": study}
    values |= {"queue": queue, "state": "queued", "attempt": 1, "starts": 0, "error": ""}
    tx.connection.execute(sa.insert(t.job).values(**values, created_at=at, due_at=at, changed_at=at))


def judge(tx: Transaction, uid: str, *, positive: bool) -> None:
    probability = 0.9 if positive else 0.1
    finding = Finding("bright", concept("bright"), probability, 0.5, positive, REGIONS if positive else ())
    other = Finding("dark", concept("dark"), 0.25, 0.5, False)
    lungs = np.full((16, 16), 0.75, np.float32) if positive else None
    analysis = Analysis(np.zeros((2, 8, 8), np.float32), np.eye(3), (100, 90), "cpu", (finding, other), lungs)
    tx.instances.finish(
        uid, "inferred", route="chest", model="tiny@1.0.0", reportable=True, notes=["age unknown"], analysis=analysis
    )
    tx.jobs.update(f"image:{uid}", state="done")
    tx.events.add(uid.rpartition(".")[0], uid, "judge", "bright", 12.4, NOON + timedelta(seconds=6))


def decline(tx: Transaction, uid: str, state: Any = "declined", code: str = "not-frontal") -> None:
    tx.instances.finish(
        uid, state, route="chest", model="tiny@1.0.0", reportable=True, decline_code=code, detail="View Position is LL"
    )
    tx.jobs.update(f"image:{uid}", state="done")


def report_first_study(tx: Transaction) -> None:
    report = tx.reports.open("1.2.3.1", "chest", "study:1", "tiny@1.0.0", ["1.2.3.1.1", "1.2.3.1.2"])
    results = [
        NewResult("1.2.9.1", SR_CLASS, "1.2.9", "sr", "aa", 10, "00"),
        NewResult("1.2.9.2", SC_CLASS, "1.2.9", "heatmap", "bb", 10, "00", "1.2.3.1.1"),
    ]
    sent, waiting, *_ = tx.reports.close(report, results, ["pacs"])
    dead = tx.deliveries.add("1.2.9.1", "viewer")
    tx.deliveries.update(sent.id, state="committed", attempts=1, detail="pacs keeps it", sent_at=NOON)
    tx.deliveries.update(waiting.id, state="queued", attempts=2, next_attempt_at=NEXT, detail="connection refused")
    tx.deliveries.update(dead.id, state="dead", attempts=1, status=0xA900, detail="refused for good")
    ended: list[tuple[DeliveryRow, JobState]] = [(sent, "done"), (waiting, "waiting"), (dead, "dead")]
    for delivery, state in ended:
        job_id, queue = f"delivery:{delivery.id}", f"deliver-{delivery.destination}"
        enter_job(tx, job_id, "delivery", str(delivery.id), "1.2.3.1", queue, NOON + timedelta(minutes=1))
        attempt, starts = (3, 0) if state == "waiting" else (1, 1)
        error = "delivery-refused" if state == "dead" else ""
        tx.jobs.update(job_id, state=state, error=error, attempt=attempt, starts=starts)


def concept(name: str) -> Concept:
    return Concept(value=name.upper(), scheme="99HILUM", meaning=name.capitalize())
