"""Random bytes and damaged conversations: the receiver answers in PDUs, keeps what it acknowledged and nothing else."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp_node.receive.scp import StorageScp
from tests.support.crash.aftermath import Watch, watching
from tests.support.fuzz import fuzz
from tests.support.hostile.messages import CONTEXTS, UID, command, image, pdu, pixels, store
from tests.support.node.receiving import MemoryLedger, files_below, running_receiver
from tests.support.peers.raw_scu import P_DATA, RawPeer, associate_request, command_elements, echo_command

DATA_SET = image(pixels(8, 8, bytes(range(128))))
# One whole conversation, PDU by PDU: two instances, one of them refused, two echoes and a release
CONVERSATION = [
    associate_request(CONTEXTS, "HILUM", "MODALITY"),
    command(echo_command()),
    store(DATA_SET, step=100),
    store(DATA_SET, sop_instance="1.2.3", step=64),
    command(echo_command()),
    pdu(0x05, bytes(4)),
]


@pytest.fixture(scope="module")
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def receiver(folder: Path, ledger: MemoryLedger) -> Iterator[StorageScp]:
    limits: dict[str, Any] = {"connections_per_s_max": 100_000, "idle_timeout_s": 600}
    with running_receiver(folder, ledger, **limits) as one:
        yield one


@pytest.fixture(scope="module")
def watch(receiver: StorageScp, folder: Path, ledger: MemoryLedger) -> Iterator[Watch]:
    with watching(receiver, folder, ledger) as one:
        yield one


def pdus_of(conversation: bytes) -> list[bytes]:
    pdus = []
    while conversation:
        end = 6 + struct.unpack_from(">L", conversation, 2)[0]
        pdus.append(conversation[:end])
        conversation = conversation[end:]
    return pdus


PDUS = pdus_of(b"".join(CONVERSATION))


@st.composite
def damaged_conversations(draw: st.DrawFn) -> bytes:
    """PDUs left out, doubled or exchanged, and then bytes altered, cut out or put in."""
    pdus = list(PDUS)
    for _ in range(draw(st.integers(0, 2))):
        here, there = (draw(st.integers(0, len(pdus) - 1)) for _ in range(2))
        match draw(st.sampled_from(["leave out", "double", "exchange"])):
            case "leave out" if len(pdus) > 2:
                del pdus[here]
            case "double":
                pdus.insert(there, pdus[here])
            case _:
                pdus[here], pdus[there] = pdus[there], pdus[here]
    data = b"".join(pdus)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        piece = draw(st.one_of(st.binary(max_size=6), st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff"])))
        data = data[:start] + piece + data[start + draw(st.integers(0, 8)) :]
    return data


def converse(port: int, data: bytes) -> list[tuple[int, bytes]]:
    """Send all of it, then listen until the node has closed; the PDUs that came."""
    with RawPeer(port) as peer:
        with suppress(ConnectionError):
            peer.send(data)
            peer.socket.shutdown(socket.SHUT_WR)
        answers = []
        with suppress(ConnectionError):
            while True:
                answers.append(peer.read_pdu())
    return answers


def stored_uids(answers: list[tuple[int, bytes]]) -> set[str]:
    """The instances that were answered with 0x0000."""
    uids = set()
    for pdu_type, body in answers:
        assert 0x01 < pdu_type <= 0x07, "what the node sends is PDUs"
        if pdu_type == P_DATA:
            elements = command_elements(body[6:])
            if elements[0x0100] == b"\x01\x80" and elements[0x0900] == b"\0\0":
                uids.add(elements[0x1000].decode().rstrip("\0"))
    return uids


def check(watch: Watch, folder: Path, ledger: MemoryLedger, answers: list[tuple[int, bytes]]) -> None:
    """What was acknowledged is there; an answer that found no reader may have been one more."""
    watch.settle()
    rows = set(ledger.rows)
    assert stored_uids(answers) <= rows
    watch.check(stored=len(rows))


@given(data=st.binary(max_size=500))
@fuzz(100)
def test_any_bytes_are_survived(
    receiver: StorageScp, watch: Watch, folder: Path, ledger: MemoryLedger, data: bytes
) -> None:
    check(watch, folder, ledger, converse(receiver.port, data))


@given(data=st.binary(max_size=500))
@fuzz(100)
def test_any_bytes_within_an_association_are_survived(
    receiver: StorageScp, watch: Watch, folder: Path, ledger: MemoryLedger, data: bytes
) -> None:
    check(watch, folder, ledger, converse(receiver.port, PDUS[0] + data))


@given(data=damaged_conversations())
@fuzz(300)
def test_damaged_conversations_are_survived(
    receiver: StorageScp, watch: Watch, folder: Path, ledger: MemoryLedger, data: bytes
) -> None:
    check(watch, folder, ledger, converse(receiver.port, data))


def test_the_undamaged_conversation_stores_its_instance(
    receiver: StorageScp, watch: Watch, folder: Path, ledger: MemoryLedger
) -> None:
    answers = converse(receiver.port, b"".join(PDUS))
    assert stored_uids(answers) == {UID}
    assert [pdu_type for pdu_type, _ in answers] == [0x02, 0x04, 0x04, 0x04, 0x04, 0x06]
    check(watch, folder, ledger, answers)
    assert files_below(folder) == []
