"""The data sets of the Storage Commitment Push Model (PS3.4 J.3), written and read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset

from converter.image.header import BROKEN_INPUT, without_warnings
from scp_node.dimse.data_sets import MalformedDataSet, decoded, encoded

REQUEST_ACTION = 1
ALL_COMMITTED, SOME_FAILED = 1, 2
# A request of ours names one object, so a report has a few hundred bytes.
REPORT_BYTES_MAX = 64 * 1024


class MalformedReport(ValueError):
    """The data set is no report."""


@dataclass(frozen=True)
class ObjectReference:
    """One object of a report; `failure_reason` is None when it is committed."""

    sop_class_uid: str
    sop_instance_uid: str
    failure_reason: int | None = None


@dataclass(frozen=True)
class CommitmentReport:
    """What an archive says about the objects of one request."""

    transaction_uid: str
    references: tuple[ObjectReference, ...]


def write_request(transaction_uid: str, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """The Action Information of a request for one object (PS3.4 Table J.3-1)."""
    item, ds = Dataset(), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
    ds.TransactionUID, ds.ReferencedSOPSequence = transaction_uid, [item]
    return encoded(ds, transfer_syntax_uid)


def read_report(event_type: int, data: bytes, transfer_syntax_uid: str) -> CommitmentReport:
    """The Event Information of a report (PS3.4 Table J.3-2). Raises MalformedReport."""
    try:
        with without_warnings():
            ds = decoded(data, transfer_syntax_uid)
            committed = tuple(_references(ds, "ReferencedSOPSequence"))
            failed = tuple(_references(ds, "FailedSOPSequence"))
            transaction_uid = _text(ds, "TransactionUID")
    except MalformedReport:
        raise
    except MalformedDataSet as error:
        raise MalformedReport(str(error)) from error
    except BROKEN_INPUT as error:
        raise MalformedReport("the data set cannot be read") from error
    if (event_type == ALL_COMMITTED) == bool(failed):
        raise MalformedReport("event type and Failed SOP Sequence contradict each other")
    return CommitmentReport(transaction_uid, committed + failed)


def _references(ds: Dataset, sequence: str) -> Iterator[ObjectReference]:
    for item in ds.get(sequence) or ():
        reason = None
        if sequence == "FailedSOPSequence":
            reason = item.FailureReason
            if not isinstance(reason, int):
                raise MalformedReport("a failure without reason")
        yield ObjectReference(_text(item, "ReferencedSOPClassUID"), _text(item, "ReferencedSOPInstanceUID"), reason)


def _text(ds: Any, keyword: str) -> str:
    value = ds.get(keyword)
    if not isinstance(value, str) or not value:
        raise MalformedReport(f"no {keyword}")
    return str(value)


@dataclass(frozen=True)
class EventReport:
    """An N-EVENT-REPORT-RQ (PS3.7 10.1.1) and who sent it."""

    ae_title: str
    sop_class_uid: str
    sop_instance_uid: str
    event_type: int | None
    data: bytes
    transfer_syntax_uid: str


@dataclass(frozen=True)
class Reply:
    """Status and Error Comment of an N-EVENT-REPORT-RSP."""

    status: int
    comment: str = ""


ENTERED = Reply(0x0000)
NO_SUCH_CLASS = Reply(0x0118, "only Storage Commitment Push Model is served")
NO_SUCH_INSTANCE = Reply(0x0112, "the instance of Storage Commitment has another UID")
NO_SUCH_EVENT = Reply(0x0113, "event types are 1 and 2")
UNKNOWN_TRANSACTION = Reply(0x0115, "Transaction UID: no such request was made to this AE title")
OTHER_OBJECTS = Reply(0x0115, "the report is not about exactly the object of the request")
