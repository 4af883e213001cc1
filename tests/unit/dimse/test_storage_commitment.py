"""A request for storage commitment names one object, and a report is read whatever its transfer syntax."""

from __future__ import annotations

import io

import pytest
from pydicom import Dataset
from pydicom.filereader import read_dataset

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.dimse.storage_commitment import (
    ALL_COMMITTED,
    SOME_FAILED,
    MalformedReport,
    ObjectReference,
    read_report,
    write_request,
)
from scp_node.dimse.uids import EXPLICIT_LE, IMPLICIT_LE
from tests.support.peers.commitment import OUR_RESULT, encoded, event_information, references

OTHER = (SECONDARY_CAPTURE, "2.25.2")
SYNTAXES = [EXPLICIT_LE, IMPLICIT_LE]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_request_names_its_transaction_and_one_object(syntax: str) -> None:
    data = write_request("2.25.9", *OUR_RESULT, syntax)
    ds = read_dataset(io.BytesIO(data), syntax == IMPLICIT_LE, True, bytelength=len(data))
    assert ds.TransactionUID == "2.25.9"
    (item,) = ds.ReferencedSOPSequence
    assert (item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID) == OUR_RESULT


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_report_tells_the_committed_objects_from_the_failed_ones(syntax: str) -> None:
    ds = event_information("2.25.9", references(OUR_RESULT), references(OTHER, reason=0x0112))
    report = read_report(SOME_FAILED, encoded(ds, is_implicit=syntax == IMPLICIT_LE), syntax)
    assert report.transaction_uid == "2.25.9"
    assert report.references == (ObjectReference(*OUR_RESULT), ObjectReference(*OTHER, 0x0112))


@pytest.mark.parametrize(
    ("event_type", "failed"), [(ALL_COMMITTED, references(OTHER, reason=0x0110)), (SOME_FAILED, None)]
)
def test_a_report_that_contradicts_its_event_type_is_refused(event_type: int, failed: list[Dataset] | None) -> None:
    ds = event_information("2.25.9", references(OUR_RESULT), failed)
    with pytest.raises(MalformedReport, match="contradict"):
        read_report(event_type, encoded(ds), EXPLICIT_LE)


def test_a_failure_needs_a_reason() -> None:
    with pytest.raises(MalformedReport):
        read_report(SOME_FAILED, encoded(event_information("2.25.9", failed=references(OTHER))), EXPLICIT_LE)
