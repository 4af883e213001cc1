"""Storage commitment of a test: a sent delivery with a real ledger, an archive with a script, and reports as bytes."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.dimse_primitives import N_ACTION
from pynetdicom.events import Event

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.dimse.storage_commitment import EventReport
from scp_node.dimse.uids import COMMITMENT_INSTANCE, EXPLICIT_LE, STORAGE_COMMITMENT
from scp_node.engine.jobs import JobQueue
from scp_node.ledger import DeliveryRow, JobRow, Ledger, NewResult
from scp_node.ledger.records import now_utc
from scp_node.workflow.commitment_book import CommitmentBook
from scp_node.workflow.job_kinds import delivery_job
from tests.support.ledger.ledgers import new_ledger, received
from tests.support.ledger.work import default_retries
from tests.support.peers.archives import listening

RESULT_UID = "2.25.1"


@dataclass
class SentDelivery:
    """Delivery 1 of the result RESULT_UID to `pacs` (AE title ARCHIVE), sent and not confirmed."""

    ledger: Ledger
    jobs: JobQueue
    book: CommitmentBook

    @property
    def row(self) -> DeliveryRow:
        with self.ledger.reading() as tx:
            return tx.deliveries.get(1)

    def state(self) -> str:
        """Read anew each time."""
        return self.row.state

    def job(self, job_id: str = "delivery:1") -> JobRow:
        with self.ledger.reading() as tx:
            job = tx.jobs.get(job_id)
        assert job is not None
        return job

    def ask(self) -> str:
        """Enter a request; its Transaction UID."""
        with self.ledger.reading() as tx:
            result = tx.results.get(RESULT_UID)
        assert result is not None
        return self.book.open(self.row, result, "ARCHIVE")

    def is_sent_again(self) -> None:
        with self.ledger.transaction() as tx:
            tx.deliveries.update(1, state="sent", next_attempt_at=None)
            tx.jobs.update("delivery:1", state="done")

    def events(self) -> list[str]:
        with self.ledger.reading() as tx:
            return [event.outcome for event in tx.events.of_study("1.2.3.1") if event.step == "commitment"]


@contextmanager
def sent_delivery(folder: Path) -> Iterator[SentDelivery]:
    ledger = new_ledger(folder)
    jobs = JobQueue()
    new = NewResult(RESULT_UID, SECONDARY_CAPTURE, "2.25.7", "sr", "ab" * 32, 100, "0")
    with ledger.transaction() as tx:
        tx.instances.add(received())
        report = tx.reports.open("1.2.3.1", "chest", "study-job", "m@1.0.0", ["1.2.3.1.1"])
        (delivery,) = tx.reports.close(report, [new], ["pacs"])
        jobs.put(tx, delivery_job(delivery, "1.2.3.1", now_utc()))
        tx.deliveries.update(delivery.id, state="sent", attempts=1, detail="stored")
        tx.jobs.update("delivery:1", state="done")
    try:
        yield SentDelivery(ledger, jobs, CommitmentBook(ledger, jobs, default_retries))
    finally:
        ledger.engine.dispose()


def references(*pairs: tuple[str, str], reason: int | None = None) -> list[Dataset]:
    items = []
    for sop_class_uid, sop_instance_uid in pairs:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
        if reason is not None:
            item.FailureReason = reason
        items.append(item)
    return items


OUR_RESULT = (SECONDARY_CAPTURE, RESULT_UID)


def event_information(
    transaction_uid: str, committed: list[Dataset] | None = None, failed: list[Dataset] | None = None
) -> Dataset:
    ds = Dataset()
    ds.TransactionUID = transaction_uid
    if committed is not None:
        ds.ReferencedSOPSequence = committed
    if failed is not None:
        ds.FailedSOPSequence = failed
    return ds


def encoded(ds: Dataset, is_implicit: bool = False) -> bytes:
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, is_implicit
    write_dataset(file, ds)
    return file.getvalue()


def event_report(ds: Dataset | bytes, event_type: int | None = 1, **changes: Any) -> EventReport:
    """The report as it arrives from AE title ARCHIVE, in Explicit VR Little Endian."""
    values: dict[str, Any] = {
        "ae_title": "ARCHIVE",
        "sop_class_uid": STORAGE_COMMITMENT,
        "sop_instance_uid": COMMITMENT_INSTANCE,
        "event_type": event_type,
        "data": ds if isinstance(ds, bytes) else encoded(ds),
        "transfer_syntax_uid": EXPLICIT_LE,
    }
    return EventReport(**values | changes)


def committed(transaction_uid: str) -> EventReport:
    return event_report(event_information(transaction_uid, references(OUR_RESULT)), 1)


def failed(transaction_uid: str, reason: int) -> EventReport:
    return event_report(event_information(transaction_uid, failed=references(OUR_RESULT, reason=reason)), 2)


@dataclass
class CommittingArchive:
    """What an archive that is asked for commitment saw, and the statuses of the reports that it sent."""

    port: int = 0
    requests: list[Dataset] = field(default_factory=list)
    reported: list[int] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)


@contextmanager
def committing_archive(
    *, status: int = 0x0000, before_answer: bool = False, reason: int | None = None, reports: bool = True
) -> Iterator[CommittingArchive]:
    """Takes N-ACTION with `status`, and reports on the same association before or after it has answered; with a
    failure reason, or that it committed all."""
    seen = CommittingArchive()

    def act(event: Event) -> tuple[int, None]:
        syntax = event.context.transfer_syntax
        asked = event.request
        assert isinstance(asked, N_ACTION) and isinstance(asked.ActionInformation, io.BytesIO)
        data = asked.ActionInformation.getvalue()
        request = read_dataset(io.BytesIO(data), str(syntax).endswith("1.2"), True, bytelength=len(data))
        seen.requests.append(request)

        def report() -> None:
            seen.reported.append(_report(event, request, reason))
            seen.done.set()

        if reports and before_answer:
            report()
        elif reports:
            # the answer leaves when this handler has returned
            threading.Timer(0.3, report).start()
        else:
            seen.done.set()
        return status, None

    ae = AE(ae_title="ARCHIVE")
    ae.add_supported_context(STORAGE_COMMITMENT)
    with listening(ae, [(evt.EVT_N_ACTION, act)]) as seen.port:
        yield seen


def _report(event: Event, request: Dataset, reason: int | None) -> int:
    items = [
        (str(one.ReferencedSOPClassUID), str(one.ReferencedSOPInstanceUID)) for one in request.ReferencedSOPSequence
    ]
    if reason is None:
        ds, event_type = event_information(request.TransactionUID, references(*items)), 1
    else:
        ds, event_type = event_information(request.TransactionUID, failed=references(*items, reason=reason)), 2
    response, _ = event.assoc.send_n_event_report(ds, event_type, STORAGE_COMMITMENT, COMMITMENT_INSTANCE)
    return int(response.Status) if "Status" in response else -1


def report_on_new_association(
    port: int, ds: Dataset, event_type: int, ae_title: str = "ARCHIVE", with_role: bool = True
) -> int:
    """As an archive does that calls back: SCP of an association that it asked for itself. The status of the answer."""
    ae = AE(ae_title=ae_title)
    ae.add_requested_context(STORAGE_COMMITMENT)
    assoc = ae.associate(
        "127.0.0.1",
        port,
        ae_title="HILUM",
        ext_neg=[build_role(STORAGE_COMMITMENT, scp_role=True)] if with_role else [],
    )
    assert assoc.is_established
    try:
        response, _ = assoc.send_n_event_report(ds, event_type, STORAGE_COMMITMENT, COMMITMENT_INSTANCE)
        return int(response.Status) if "Status" in response else -1
    finally:
        assoc.release()
