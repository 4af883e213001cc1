"""PDUs are taken apart alike however the network cuts them, and no length that a peer declares takes memory."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp_node.dimse.pdus import A_ABORT, A_ASSOCIATE_RQ, A_RELEASE_RQ
from scp_node.receive import pdu_stream
from scp_node.receive.pdu_stream import (
    BUFFER_BYTES,
    CONTROL_PDU_BYTES_MAX,
    SPARE_BUFFERS_MAX,
    ControlPdu,
    Fragment,
    InvalidPdu,
    PduStream,
)
from tests.support.fuzz import fuzz
from tests.support.peers.raw_scu import p_data, pdv

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
    """What comes out when the bytes arrive in portions of `steps`, with the fragments of each message joined."""
    out: list[Any] = []
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
                continue
            assert piece.bytes == sum(map(len, piece.pieces))
            key, data_, pdvs = (piece.context_id, piece.is_command), b"".join(piece.pieces), piece.pdvs
            if out and len(out[-1]) == 4 and out[-1][0] == key and not out[-1][1]:
                _, _, before, pdvs_before = out.pop()
                data_, pdvs = before + data_, pdvs_before + pdvs
            out.append((key, piece.is_last, data_, pdvs))
        if turn % 2:
            stream.rest()
    return out


@given(messages=MESSAGES, steps=st.lists(st.integers(1, 400), min_size=1, max_size=5))
@fuzz(200)
def test_any_portioning_gives_the_same_pieces(messages: list[bytes], steps: list[int]) -> None:
    data = b"".join(messages)
    stream = PduStream(PDU_BYTES_MAX)
    assert fed(stream, data, steps) == fed(PduStream(PDU_BYTES_MAX), data, [len(data) + 1])
    assert not stream.is_within_pdu
    assert stream.pdus_completed == len(messages)


@given(data=st.binary(max_size=400), steps=st.lists(st.integers(1, 50), min_size=1, max_size=3))
@fuzz(300)
def test_any_bytes_give_pieces_or_are_invalid(data: bytes, steps: list[int]) -> None:
    try:
        fed(PduStream(PDU_BYTES_MAX), data, steps)
    except InvalidPdu:
        return


def test_a_data_set_larger_than_the_buffer_passes_through() -> None:
    stream = PduStream(10**9)
    size = 3 * BUFFER_BYTES
    assert fed(stream, p_data(pdv(5, 0x02, bytes(size))), [100_000]) == [((5, False), True, bytes(size), 1)]


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
    assert fed(PduStream(PDU_BYTES_MAX), p_data(pdv(3, 0x02, b"")), [4]) == [((3, False), True, b"", 1)]


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
    assert [bytes(view) for view in piece.pieces] == [b"data"] and piece.pieces[0].obj is stream._buffer


def test_a_run_of_pdus_is_one_fragment() -> None:
    stream = PduStream(PDU_BYTES_MAX)
    data = p_data(pdv(1, 0x00, b"da")) + p_data(pdv(1, 0x00, b""), pdv(1, 0x00, b"t")) + p_data(pdv(1, 0x02, b"a"))
    stream.space()[: len(data) + 1] = data + b"\x05"
    stream.filled(len(data) + 1)
    (piece,) = stream.pieces()
    assert isinstance(piece, Fragment)
    assert (b"".join(piece.pieces), piece.bytes, piece.pdvs, piece.is_last) == (b"data", 4, 4, True)
    assert stream.pdus_completed == 3 and stream.is_within_pdu


def test_a_stream_that_waits_between_pdus_holds_no_buffer() -> None:
    stream = PduStream(PDU_BYTES_MAX)
    assert not stream._buffer
    fed(stream, p_data(pdv(1, 0x02, b"data"))[:-1], [100])
    stream.rest()
    assert not stream._buffer and stream.is_within_pdu
    stream = PduStream(PDU_BYTES_MAX)
    fed(stream, RELEASE[:3], [100])
    stream.rest()
    assert len(stream._buffer) == BUFFER_BYTES
    for _ in range(2 * SPARE_BUFFERS_MAX):
        another = PduStream(PDU_BYTES_MAX)
        another.space()
        another.rest()
    assert len(pdu_stream._spare) <= SPARE_BUFFERS_MAX
