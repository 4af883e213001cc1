"""A remembered negotiation is what pynetdicom answered, for exactly the same question; few are kept."""

from __future__ import annotations

import struct

import pytest

from scp_node.receive.negotiations import ENTRIES_MAX, Negotiated, Negotiations, items_of, read_request
from tests.support.peers.raw_scu import EXPLICIT_LE, VERIFICATION, associate_request

PLAIN = associate_request([(VERIFICATION, EXPLICIT_LE)], "HILUM", " MODALITY")


def test_a_request_is_split_after_its_fixed_part() -> None:
    request = read_request(PLAIN)
    assert request is not None
    assert (request.called_ae_title, request.calling_ae_title) == (b"HILUM           ", b" MODALITY       ")
    assert PLAIN.endswith(request.items) and len(PLAIN) == 74 + len(request.items)


@pytest.mark.parametrize(
    "pdu",
    [
        PLAIN[:73],
        PLAIN[:6] + b"\x00\x02" + PLAIN[8:],
        PLAIN[:6] + b"\xff\x00" + PLAIN[8:],
    ],
)
def test_what_is_odd_is_left_to_pynetdicom(pdu: bytes) -> None:
    assert read_request(pdu) is None


def test_the_answer_repeats_the_titles_as_they_came() -> None:
    request = read_request(PLAIN)
    assert request is not None
    answer = Negotiated("1.2.3", {}, 16384, b"items").answer(request)
    assert struct.unpack(">BxLHxx", answer[:10]) == (2, len(answer) - 6, 1)
    assert answer[10:42] == PLAIN[10:42] and answer[42:74] == bytes(32)
    assert items_of(answer) == b"items"


def test_the_negotiations_used_last_are_kept_and_no_more() -> None:
    memory = Negotiations()
    negotiated = Negotiated("1.2.3", {}, 16384, b"")
    memory.remember(b"first", 1, negotiated)
    for number in range(2 * ENTRIES_MAX):
        memory.remember(str(number).encode(), 1, negotiated)
        assert memory.recall(b"first", 1) is negotiated
    assert len(memory) == ENTRIES_MAX
    assert memory.recall(b"0", 1) is None
    assert memory.recall(b"first", 2) is None, "another pdu_bytes_max is offered in the answer"
