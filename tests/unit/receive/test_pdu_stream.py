"""PDUs are taken apart alike however the network cuts them, and no length that a peer declares takes memory."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scp_node.receive.pdu_stream import (
    A_ABORT,
    A_ASSOCIATE_RQ,
    A_RELEASE_RQ,
    BUFFER_BYTES,
    CONTROL_PDU_BYTES_MAX,
    ControlPdu,
    Fragment,
    InvalidPdu,
    PduStream,
)
from tests.support.raw_scu import p_data, pdv

PDU_BYTES_MAX = 16384
RELEASE = struct.pack(">BxLL", A_RELEASE_RQ, 4, 0)
MESSAGES = st.lists(
    st.one_of(
        st.just(RELEASE),
        st.builds(lambda data: struct.pack(">BxL", A_ASSOCIATE_RQ, len(data)) + data, st.binary(max_size=300)),
        st.builds(
            lambda parts: p_data(*(pdv(*part) for part in parts)),
            st.lists(
                st.tuples(st.integers(1, 255), st.integers(0, 3), st.binary(max_size=300)), min_size=1, max_size=4
            ),
        ),
    ),
    max_size=6,
)


def fed(stream: PduStream, data: bytes, steps: list[int]) -> list[tuple[object, ...]]:
    """What comes out, with the pieces of each PDV joined, when the bytes arrive in portions of `steps`."""
    out: list[tuple[object, ...]] = []
    pending = b""
    position, turn = 0, 0
    while position < len(data):
        portion = data[position : position + steps[turn % len(steps)]]
        space = stream.space()
        portion = portion[: len(space)]
        space[: len(portion)] = portion
        stream.filled(len(portion))
        position, turn = position + len(portion), turn + 1
        for piece in stream.pieces():
            if isinstance(piece, ControlPdu):
                out.append((piece.pdu_type, piece.data))
            else:
                pending += piece.data
                if stream._pdv_left == 0:
                    out.append((piece.context_id, piece.is_command, piece.is_last, pending))
                    pending = b""
                else:
                    assert not piece.is_last
    return out


@given(messages=MESSAGES, steps=st.lists(st.integers(1, 400), min_size=1, max_size=5))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_portioning_gives_the_same_pieces(messages: list[bytes], steps: list[int]) -> None:
    data = b"".join(messages)
    stream = PduStream(PDU_BYTES_MAX)
    assert fed(stream, data, steps) == fed(PduStream(PDU_BYTES_MAX), data, [len(data) + 1])
    assert not stream.is_within_pdu
    assert stream.pdus_completed == len(messages)


@given(data=st.binary(max_size=400), steps=st.lists(st.integers(1, 50), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_bytes_give_pieces_or_are_invalid(data: bytes, steps: list[int]) -> None:
    try:
        fed(PduStream(PDU_BYTES_MAX), data, steps)
    except InvalidPdu:
        return


def test_a_data_set_larger_than_the_buffer_passes_through() -> None:
    stream = PduStream(10**9)
    size = 3 * BUFFER_BYTES
    assert fed(stream, p_data(pdv(5, 0x02, bytes(size))), [100_000]) == [(5, False, True, bytes(size))]


@pytest.mark.parametrize("length", [PDU_BYTES_MAX + 1, 2**31, 2**32 - 1, 5, 0])
def test_p_data_of_a_length_that_was_not_negotiated_is_refused_at_its_header(length: int) -> None:
    with pytest.raises(InvalidPdu, match=f"{length} bytes"):
        fed(PduStream(PDU_BYTES_MAX), struct.pack(">BxL", 4, length), [6])


def test_p_data_of_the_negotiated_length_is_taken() -> None:
    data = p_data(pdv(1, 0x02, bytes(PDU_BYTES_MAX - 6)))
    assert struct.unpack(">L", data[2:6]) == (PDU_BYTES_MAX,)
    assert len(fed(PduStream(PDU_BYTES_MAX), data, [10**6])) == 1


@pytest.mark.parametrize(
    ("pdu_type", "length"),
    [(A_ASSOCIATE_RQ, CONTROL_PDU_BYTES_MAX + 1), (A_RELEASE_RQ, 5), (A_ABORT, 2**32 - 1), (0, 4), (8, 4), (255, 0)],
)
def test_a_control_pdu_of_wrong_type_or_length_is_refused(pdu_type: int, length: int) -> None:
    with pytest.raises(InvalidPdu, match=f"0x{pdu_type:02X} with {length} bytes"):
        fed(PduStream(PDU_BYTES_MAX), struct.pack(">BxL", pdu_type, length), [6])


@pytest.mark.parametrize("length", [0, 1, 13, 2**32 - 1])
def test_a_pdv_that_does_not_fit_its_pdu_is_refused(length: int) -> None:
    body = struct.pack(">LBB", length, 1, 2) + bytes(8)
    with pytest.raises(InvalidPdu, match="PDV of"):
        fed(PduStream(PDU_BYTES_MAX), struct.pack(">BxL", 4, len(body)) + body, [100])


def test_a_pdu_that_ends_within_the_header_of_a_pdv_is_refused() -> None:
    body = pdv(1, 0, b"data") + b"\0\0\0"
    with pytest.raises(InvalidPdu, match="PDV of"):
        fed(PduStream(PDU_BYTES_MAX), struct.pack(">BxL", 4, len(body)) + body, [100])


def test_an_empty_pdv_is_a_fragment_too() -> None:
    assert fed(PduStream(PDU_BYTES_MAX), p_data(pdv(3, 0x02, b"")), [4]) == [(3, False, True, b"")]


def test_a_begun_pdu_is_known_as_such() -> None:
    stream = PduStream(PDU_BYTES_MAX)
    data = p_data(pdv(1, 0x02, b"data"))
    for end in range(1, len(data)):
        fed(stream, data[end - 1 : end], [1])
        assert stream.is_within_pdu
    fed(stream, data[-1:], [1])
    assert not stream.is_within_pdu


def test_fragments_are_views_of_the_buffer() -> None:
    stream = PduStream(PDU_BYTES_MAX)
    data = p_data(pdv(1, 0x02, b"data"))
    stream.space()[: len(data)] = data
    stream.filled(len(data))
    (piece,) = stream.pieces()
    assert isinstance(piece, Fragment)
    assert piece.data.obj is stream._buffer
