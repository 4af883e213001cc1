"""What is proposed to an archive, and what each answer to it comes to."""

from __future__ import annotations

import pytest

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.deliver.dimse.negotiation import (
    CONTEXTS_MAX,
    PDU_BYTES_SENT_MAX,
    Accepted,
    Proposal,
    associate_request,
    read_answer,
)
from scp_node.deliver.dimse.peer import Peer
from scp_node.deliver.dimse.statuses import REJECTIONS
from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse import pdus
from scp_node.dimse.uids import EXPLICIT_LE, IMPLICIT_LE
from tests.support.peers.scripted_peer import accepting

PEER = Peer("127.0.0.1", 104, "ARCHIVE", "HILUM", 5.0, 5.0)
PROPOSALS = [Proposal(SECONDARY_CAPTURE, EXPLICIT_LE), Proposal(SECONDARY_CAPTURE, IMPLICIT_LE)]
REQUEST = associate_request(PEER, PROPOSALS)


def answer(data: bytes) -> Accepted:
    return read_answer(data[0], data, PROPOSALS)


def test_the_request_is_of_this_node_to_the_archive() -> None:
    assert REQUEST[0] == pdus.A_ASSOCIATE_RQ
    assert (REQUEST[10:26], REQUEST[26:42]) == (b"ARCHIVE".ljust(16), b"HILUM".ljust(16))


def test_each_proposal_that_was_accepted_has_its_context() -> None:
    assert answer(accepting(REQUEST)).contexts == {PROPOSALS[0]: 1, PROPOSALS[1]: 3}


def test_a_context_in_a_syntax_that_was_not_proposed_is_not_used() -> None:
    other = associate_request(PEER, [PROPOSALS[1], PROPOSALS[1]])
    assert answer(accepting(other)).contexts == {PROPOSALS[1]: 3}


@pytest.mark.parametrize(
    ("offered", "used"),
    [
        (0, PDU_BYTES_SENT_MAX),
        (1, 12),
        (16384, 16384),
        (PDU_BYTES_SENT_MAX, PDU_BYTES_SENT_MAX),
        (2**31, PDU_BYTES_SENT_MAX),
    ],
)
def test_pdus_are_as_large_as_the_archive_takes_them_and_never_empty(offered: int, used: int) -> None:
    assert answer(accepting(REQUEST, offered)).pdu_bytes_max == used


@pytest.mark.parametrize("reason", REJECTIONS)
def test_a_rejection_is_the_fault_of_its_reason(reason: tuple[int, int, int]) -> None:
    with pytest.raises(PeerFault) as raised:
        answer(bytes([pdus.A_ASSOCIATE_RJ, 0, 0, 0, 0, 4, 0, *reason]))
    assert raised.value.code == REJECTIONS[reason]
    assert "/".join(map(str, reason)) in str(raised.value)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes([pdus.A_ASSOCIATE_RJ, 0, 0, 0, 0, 0]), "rejected"),
        (bytes([pdus.A_ASSOCIATE_RJ, 0, 0, 0, 0, 4, 0, 9, 9, 9]), "rejected"),
        (bytes([pdus.A_ABORT, 0, 0, 0, 0, 4, 0, 0, 0, 0]), "aborted"),
        (bytes([pdus.P_DATA_TF, 0, 0, 0, 0, 0]), "protocol-error"),
        (accepting(REQUEST)[:80], "protocol-error"),
        (bytes([pdus.A_ASSOCIATE_AC]) + bytes(100), "protocol-error"),
    ],
)
def test_what_is_no_acceptance_is_a_fault(data: bytes, code: str) -> None:
    with pytest.raises(PeerFault) as raised:
        answer(data)
    assert raised.value.code == code


@pytest.mark.parametrize("count", [0, CONTEXTS_MAX + 1])
def test_an_association_has_as_many_contexts_as_their_numbers_allow(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 128"):
        associate_request(PEER, PROPOSALS[:1] * count)
