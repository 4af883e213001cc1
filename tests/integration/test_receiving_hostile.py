"""What broken or hostile peers send is refused or aborted in order; afterwards the receiver answers as before.

Each test ends with a C-ECHO on a new association, on one that was open all the while, and with a look at what is left.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scp_node.receive.association import ReceivingAssociation
from scp_node.receive.scp import SILENT_CONNECTIONS_MAX, Receiver
from tests.support.phantoms import make_dx
from tests.support.raw_scu import (
    ABORT,
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    COMMAND_LAST,
    DATA,
    DATA_LAST,
    EXPLICIT_LE,
    VERIFICATION,
    RawPeer,
    associate_request,
    command_set,
    echo_command,
    p_data,
    pdv,
    store_command,
)
from tests.support.receiving import MemoryLedger, data_set_bytes, files_below, running_receiver

DX, CR = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1"
DS = make_dx(rows=64, columns=64)
UID, DATA_SET = str(DS.SOPInstanceUID), data_set_bytes(DS)
# Contexts 1 and 3 of `storing`
CONTEXTS = [(DX, EXPLICIT_LE), (VERIFICATION, EXPLICIT_LE)]


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def receiver(tmp_path: Path, ledger: MemoryLedger) -> Iterator[Receiver]:
    limits = {"pdu_timeout_s": 1, "idle_timeout_s": 30, "acse_timeout_s": 1, "associations_max": 5}
    limits |= {"instance_bytes_max": 1_000_000}
    threads = set(threading.enumerate())
    with running_receiver(tmp_path, ledger, ledger, **limits) as one, RawPeer(one.port) as bystander:
        bystander.associate()
        yield one
        assert bystander.echo().status == 0x0000
        bystander.release()
        bystander.socket.close()
        with RawPeer(one.port) as peer:
            assert peer.associate()[0] == ASSOCIATE_AC
            assert peer.echo().status == 0x0000
            peer.release()
        until(lambda: one.association_count == 0, "all associations ended")
        assert files_below(tmp_path / "spool") == [] and ledger.rows == {}
    assert set(threading.enumerate()) <= threads


@contextlib.contextmanager
def storing(receiver: Receiver) -> Iterator[RawPeer]:
    """An association for DX and verification."""
    with RawPeer(receiver.port) as peer:
        assert peer.associate(CONTEXTS)[0] == ASSOCIATE_AC
        yield peer


def until(condition: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.02)


# --- associations -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"called": "OTHER"}, (1, 1, 7)),
        ({"called": "HILUM2"}, (1, 1, 7)),
        ({"calling": "NOBODY"}, (1, 1, 3)),
        ({"calling": "ARCHIVE"}, (1, 1, 3)),
        ({"application_context": "1.2.3.4"}, (1, 1, 2)),
    ],
)
def test_who_is_not_known_is_rejected(receiver: Receiver, asked: dict[str, str], answer: tuple[int, ...]) -> None:
    with RawPeer(receiver.port) as peer:
        pdu_type, body = peer.associate(**asked)
        assert (pdu_type, tuple(body[1:])) == (ASSOCIATE_RJ, answer)


def test_ae_titles_count_without_the_spaces_around_them(receiver: Receiver) -> None:
    with RawPeer(receiver.port) as peer:
        assert peer.associate(called="HILUM     ", calling=" MODALITY ")[0] == ASSOCIATE_AC
        peer.release()


def test_an_association_with_nothing_acceptable_is_accepted_without_contexts(receiver: Receiver) -> None:
    with RawPeer(receiver.port) as peer:
        assert peer.associate([("1.2.840.10008.5.1.4.1.1.2", EXPLICIT_LE), (DX, "1.2.3")])[0] == ASSOCIATE_AC
        assert peer.accepted == {}
        peer.release()


def test_more_associations_than_configured_are_rejected_for_the_moment(receiver: Receiver) -> None:
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(RawPeer(receiver.port)) for _ in range(5)]
        answers = [peer.associate() for peer in peers]
        # the bystander is the fifth
        assert [pdu_type for pdu_type, _ in answers] == [ASSOCIATE_AC] * 4 + [ASSOCIATE_RJ]
        assert tuple(answers[-1][1][1:]) == (2, 3, 2)
        peers[0].release()  # its connection stays open, but counts no more
        until(lambda: receiver.association_count == 4, "one place is free")
        with RawPeer(receiver.port) as peer:
            assert peer.associate()[0] == ASSOCIATE_AC


def test_silent_connections_lock_nobody_out_and_are_dropped(receiver: Receiver) -> None:
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(RawPeer(receiver.port)) for _ in range(SILENT_CONNECTIONS_MAX)]
        for peer in silent[::2]:
            peer.send(b"\x01\x00\x00")
        with RawPeer(receiver.port) as peer:
            assert peer.associate()[0] == ASSOCIATE_AC
            assert peer.echo().status == 0x0000
            peer.release()
        for peer in silent:
            with contextlib.suppress(ConnectionError):
                assert peer.read_pdu()[0] == ABORT


def test_far_too_many_connections_are_closed_before_they_cost_a_thread(receiver: Receiver) -> None:
    before = threading.active_count()
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(RawPeer(receiver.port)) for _ in range(SILENT_CONNECTIONS_MAX + 30)]
        time.sleep(0.3)
        assert threading.active_count() - before <= SILENT_CONNECTIONS_MAX + 5
        assert peers[-1].is_closed()
    until(lambda: threading.active_count() <= before, "the threads ended")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: hilum\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
        struct.pack(">BxL", 0x01, 0),
        struct.pack(">BxL", 0x01, 20) + bytes(20),
        struct.pack(">BxL", 0x01, 2**32 - 1),
        struct.pack(">BxL", 0x02, 100) + bytes(100),
        struct.pack(">BxLL", 0x05, 4, 0),
        struct.pack(">BxLL", 0x09, 4, 0),
        p_data(pdv(1, COMMAND_LAST, echo_command())),
        associate_request([(VERIFICATION, EXPLICIT_LE)], "HILUM", "MOD\xc4LITY"),
        associate_request([(VERIFICATION, EXPLICIT_LE)], "HILUM", "EVIL\r\nINFO x"),
        associate_request([(VERIFICATION, EXPLICIT_LE)], "HILUM", "   "),
        associate_request([("not a uid", EXPLICIT_LE)], "HILUM", "MODALITY"),
        associate_request([(VERIFICATION, "1" * 200)], "HILUM", "MODALITY"),
        associate_request([(VERIFICATION, EXPLICIT_LE)], "HILUM", "MODALITY")[:-1] + b"\xff",
    ],
    ids=lambda data: data[:24].hex(),
)
def test_what_is_no_association_request_gets_no_association_that_matters(receiver: Receiver, request_: bytes) -> None:
    with RawPeer(receiver.port) as peer:
        peer.send(request_)
        peer.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            pdu_type, body = peer.read_pdu()
            assert pdu_type in (ABORT, ASSOCIATE_RJ) or (pdu_type == ASSOCIATE_AC and len(body) > 68)


def test_a_request_of_another_protocol_version_is_rejected(receiver: Receiver) -> None:
    request = bytearray(associate_request([(VERIFICATION, EXPLICIT_LE)], "HILUM", "MODALITY"))
    request[6:8] = b"\x00\x02"
    with RawPeer(receiver.port) as peer:
        peer.send(request)
        assert peer.read_pdu() == (ASSOCIATE_RJ, bytes((0, 1, 2, 2)))


def test_a_second_association_request_aborts(receiver: Receiver) -> None:
    with storing(receiver) as peer:
        peer.send(associate_request(CONTEXTS, "HILUM", "MODALITY"))
        assert peer.is_aborted()


def test_connecting_and_leaving_costs_nothing(receiver: Receiver) -> None:
    before = threading.active_count()
    for _ in range(100):
        RawPeer(receiver.port).socket.close()
    until(lambda: threading.active_count() <= before, "the threads ended")


# --- PDUs and messages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [b"\x04", b"\x04\x00\x00\x00\x01\x00", p_data(pdv(1, 3, bytes(200)))[:50]])
def test_half_a_pdu_is_aborted_when_its_time_is_over(receiver: Receiver, part: bytes) -> None:
    with storing(receiver) as peer:
        peer.send(part)
        assert peer.is_aborted()


def test_a_data_set_that_stops_in_the_middle_of_a_pdu_is_aborted(receiver: Receiver, tmp_path: Path) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))))
        peer.send(p_data(pdv(1, DATA, DATA_SET[:2000]))[:1500])
        until(lambda: len(files_below(tmp_path / "spool")) == 1, "the part file is there")
        assert peer.is_aborted()
        assert files_below(tmp_path / "spool") == []


@pytest.mark.parametrize("length", [131073, 2**24, 2**32 - 1])
def test_a_pdu_larger_than_negotiated_is_aborted_at_its_header(receiver: Receiver, length: int) -> None:
    with storing(receiver) as peer:
        assert peer.pdu_bytes_max == 131072
        peer.send(struct.pack(">BxL", 0x04, length))
        assert peer.is_aborted()


@pytest.mark.parametrize(
    "message",
    [
        p_data(pdv(5, COMMAND_LAST, echo_command())),
        p_data(pdv(2, COMMAND_LAST, echo_command())),
        p_data(pdv(1, DATA_LAST, b"data without a command")),
        p_data(pdv(1, COMMAND_LAST, b"no command set")),
        p_data(pdv(1, COMMAND_LAST, b"")),
        p_data(pdv(1, COMMAND_LAST, store_command(DX, UID)), pdv(1, COMMAND_LAST, echo_command())),
        p_data(pdv(1, COMMAND_LAST, store_command(DX, UID)), pdv(3, DATA, b"other context")),
        p_data(pdv(3, COMMAND_LAST, command_set({0x100: b"\xff\x0f", 0x110: b"\1\0", 0x800: b"\1\1"}))),
        p_data(pdv(3, COMMAND_LAST, command_set({0x100: b"\x20\x00", 0x110: b"\1\0", 0x800: b"\1\0"}))),
        p_data(pdv(3, COMMAND_LAST, command_set({0x100: b"\x01\x80", 0x110: b"\1\0", 0x800: b"\1\1"}))),
        p_data(pdv(3, COMMAND_LAST, command_set({0x100: b"\x00\x01", 0x110: b"\1\0", 0x800: b"\1\1"}))),
        struct.pack(">BxLL", 0x04, 4, 0),
        struct.pack(">BxL", 0x04, 100) + struct.pack(">L", 2**31) + bytes(96),
        struct.pack(">BxLL", 0x06, 4, 0),
        b"\x00" * 64,
        b"\xff" * 64,
    ],
    ids=lambda data: data.hex()[:40],
)
def test_what_breaks_the_protocol_is_aborted(receiver: Receiver, message: bytes) -> None:
    with storing(receiver) as peer:
        peer.send(message)
        assert peer.is_aborted()


def test_an_endless_command_set_is_aborted(receiver: Receiver) -> None:
    with storing(receiver) as peer:
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                peer.send(p_data(pdv(1, 0x01, bytes(1000))))
        assert peer.is_aborted()


def test_a_data_set_over_the_limit_is_aborted(receiver: Receiver, tmp_path: Path) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))))
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                peer.send(p_data(pdv(1, DATA, bytes(50_000))))
        with contextlib.suppress(ConnectionError):
            assert peer.is_aborted()
    until(lambda: files_below(tmp_path / "spool") == [], "the part file is gone")


def test_a_command_may_come_in_pieces(receiver: Receiver) -> None:
    command = echo_command()
    with storing(receiver) as peer:
        for byte in command[:-1]:
            peer.send(p_data(pdv(3, 0x01, bytes([byte]))))
        peer.send(p_data(pdv(3, COMMAND_LAST, command[-1:])))
        assert peer.read_response().status == 0x0000
        peer.release()


def test_messages_sent_ahead_are_answered_one_after_the_other(receiver: Receiver) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(3, COMMAND_LAST, echo_command())) * 200)
        assert [peer.read_response().status for _ in range(200)] == [0x0000] * 200
        peer.release()


def test_a_peer_that_reads_no_responses_is_dropped(receiver: Receiver) -> None:
    echoes = p_data(pdv(3, COMMAND_LAST, echo_command())) * 1000
    with storing(receiver) as peer, pytest.raises(ConnectionError):
        for _ in range(1000):
            peer.send(echoes)


def test_a_connection_that_gets_no_thread_is_closed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(ReceivingAssociation, "start", fail)
        with RawPeer(receiver.port) as peer:
            assert peer.is_closed()
    assert "connection dropped" in caplog.text


def test_garbage_after_a_good_message_aborts(receiver: Receiver) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(3, COMMAND_LAST, echo_command())) + b"\xde\xad\xbe\xef" * 100)
        assert peer.read_response().status == 0x0000
        assert peer.is_aborted()


def test_an_abort_of_the_peer_ends_the_association(receiver: Receiver, tmp_path: Path) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))) + p_data(pdv(1, DATA, DATA_SET[:500])))
        peer.send(struct.pack(">BxLL", ABORT, 4, 0))
        assert peer.is_closed()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_peer_that_dies_in_the_middle_of_an_instance_leaves_nothing(
    receiver: Receiver, tmp_path: Path, how: str
) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))))
        peer.send(p_data(pdv(1, DATA, DATA_SET[:5000])))
        until(lambda: len(files_below(tmp_path / "spool")) == 1, "the part file is there")
        if how == "reset":
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: files_below(tmp_path / "spool") == [], "the part file is gone")


def test_a_release_in_the_middle_of_an_instance_drops_it(receiver: Receiver, tmp_path: Path) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))))
        peer.send(p_data(pdv(1, DATA, DATA_SET[:5000])))
        peer.release()
    until(lambda: files_below(tmp_path / "spool") == [], "the part file is gone")


def test_an_idle_association_is_aborted(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    with running_receiver(tmp_path, ledger, ledger, idle_timeout_s=0.5) as receiver, storing(receiver) as peer:
        assert peer.is_aborted()


def test_a_slow_but_steady_sender_is_not_idle(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    limits = {"idle_timeout_s": 1, "pdu_timeout_s": 1}
    with running_receiver(tmp_path, ledger, ledger, **limits) as receiver, storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))))
        step = len(DATA_SET) // 6
        for start in range(0, 5 * step, step):
            peer.send(p_data(pdv(1, DATA, DATA_SET[start : start + step])))
            time.sleep(0.4)
        peer.send(p_data(pdv(1, DATA_LAST, DATA_SET[5 * step :])))
        assert peer.read_response().status == 0x0000
        peer.release()
    assert list(ledger.rows) == [UID]


# --- refused instances --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status", "comment"),
    [
        ({"sop_class": CR}, 0x0122, "not that of the presentation context"),
        ({"sop_class": VERIFICATION, "context_id": 3}, 0x0122, "not one of storage"),
        ({"sop_class": DX, "context_id": 3}, 0x0122, "not one of storage"),
        ({"sop_instance": "../.."}, 0x0117, "not a UID"),
        ({"sop_instance": "/etc/passwd"}, 0x0117, "not a UID"),
        ({"sop_instance": "1.2.3\r\nINFO faked"}, 0x0117, "not a UID"),
        ({"sop_instance": ""}, 0x0117, "not a UID"),
        ({"sop_instance": "1.2.3"}, 0xA900, "differ"),
        ({"data": data_set_bytes(make_dx(rows=8, columns=8, sop_class=CR))}, 0xA900, "differ"),
        ({"data": DATA_SET[:120]}, 0xC000, "ends early"),
        ({"data": b""}, 0xC000, "ends early"),
        ({"data": bytes(1000)}, 0xC000, "no VR"),
        ({"data": b"\x08\x00\x05\x00SQ\0\0\xff\xff\xff\xff" * 300}, 0xC000, "other than items"),
    ],
)
def test_a_refused_instance_is_answered_with_status_and_comment_and_the_association_goes_on(
    receiver: Receiver, sent: dict[str, Any], status: int, comment: str
) -> None:
    wanted = {"data": DATA_SET, "sop_class": DX, "sop_instance": UID, "context_id": 1} | sent
    with storing(receiver) as peer:
        response = peer.store(**wanted)
        assert (response.field, response.status) == (0x8001, status)
        assert comment in response.comment and len(response.comment) <= 64
        assert peer.echo(context_id=3).status == 0x0000
        peer.release()


def test_an_echo_in_a_storage_context_is_refused(receiver: Receiver) -> None:
    with storing(receiver) as peer:
        assert peer.echo(context_id=1).status == 0x0122
        peer.release()


def test_a_store_that_announces_no_data_set_is_refused(receiver: Receiver) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID, data_set_type=0x0101))))
        response = peer.read_response()
        assert (response.status, response.comment) == (0xC000, "the command announces no data set")
        peer.release()


# --- log ----------------------------------------------------------------------------------------------------------


def test_an_association_is_one_log_line_whatever_a_peer_calls_itself(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with RawPeer(receiver.port) as peer:
        peer.associate(calling="A\x1b[31mB\tC")
    with storing(receiver) as peer:
        assert peer.store(DATA_SET[:100], DX, UID).status == 0xC000
        peer.release()

    def ends() -> list[logging.LogRecord]:
        return [record for record in caplog.records if record.getMessage() == "association ended"]

    until(lambda: any(record.__dict__["outcome"] == "released" for record in ends()), "both are logged")
    line = next(record.__dict__ for record in ends() if record.__dict__["outcome"] == "released")
    assert (line["source"], line["calling_ae_title"], line["address"]) == ("pacs", "MODALITY", "127.0.0.1")
    assert (line["messages"], line["refused"], line["bytes"]) == (1, 1, 100)
    assert all(record.__dict__["calling_ae_title"].isprintable() for record in ends())
    text = "".join(str(vars(record)) for record in caplog.records)
    assert "Phantom^" not in text and "\x1b" not in text
