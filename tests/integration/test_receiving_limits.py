"""Every limit and deadline of the receiver is reached once, names itself, and costs nobody else anything."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynetdicom import AE
from pynetdicom.presentation import AllStoragePresentationContexts

from converter.image.sop_classes import STORAGE_CLASSES
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES
from converter.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp_node.dimse.requests import COMMAND_BYTES_MAX
from scp_node.receive.contexts import presentation_contexts
from scp_node.receive.message import EMPTY_PDVS_MAX
from scp_node.receive.negotiations import ENTRIES_MAX
from scp_node.receive.scp import StorageScp
from scp_node.storage.part_file import PartFile
from scp_node.storage.spool import Spool
from tests.support.dicom.phantoms import make_dx
from tests.support.node.receiving import SECOND_MODALITY, MemoryLedger, data_set_bytes, files_below, running_receiver
from tests.support.peers.raw_scu import (
    ABORT,
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    COMMAND_LAST,
    DATA,
    DATA_LAST,
    EXPLICIT_LE,
    IMPLICIT_LE,
    VERIFICATION,
    RawPeer,
    associate_request,
    command_set,
    echo_command,
    p_data,
    pdv,
    store_command,
)
from tests.support.waiting import until

DX = "1.2.840.10008.5.1.4.1.1.1.1"
DS = make_dx(rows=64, columns=64)
UID, DATA_SET = str(DS.SOPInstanceUID), data_set_bytes(DS)
CONTEXTS = [(DX, EXPLICIT_LE), (VERIFICATION, EXPLICIT_LE)]
ECHO = p_data(pdv(3, COMMAND_LAST, echo_command()))
STORE = p_data(pdv(1, COMMAND_LAST, store_command(DX, UID)))


@contextlib.contextmanager
def receiving(folder: Path, spool: Spool | None = None, **limits: Any) -> Iterator[StorageScp]:
    """A receiver of which nothing is left in the end."""
    ledger = MemoryLedger()
    threads = set(threading.enumerate())
    with running_receiver(folder, ledger, spool, **limits) as receiver:
        yield receiver
        open_now = receiver.limits
        until(
            lambda: (open_now.connections, open_now.associations, open_now.evictable) == (0, 0, 0),
            "all counters are zero",
        )
    until(lambda: set(threading.enumerate()) <= threads, "all threads ended")
    assert not [path for path in files_below(folder) if path.suffix == ".part"]


@contextlib.contextmanager
def storing(receiver: StorageScp, **asked: Any) -> Iterator[RawPeer]:
    with RawPeer(receiver.port) as peer:
        assert peer.associate(CONTEXTS, **asked)[0] == ASSOCIATE_AC
        yield peer


def outcome(caplog: pytest.LogCaptureFixture) -> str:
    """How the association ended that ended last, by the log."""
    until(lambda: any(record.msg == "association ended" for record in caplog.records), "its line is in the log")
    return [str(record.__dict__["outcome"]) for record in caplog.records if record.msg == "association ended"][-1]


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


# --- connections --------------------------------------------------------------------------------------------------


def test_silent_connections_lock_nobody_out_and_are_dropped(tmp_path: Path) -> None:
    with receiving(tmp_path, acse_timeout_s=1) as receiver, contextlib.ExitStack() as stack:
        silent = [stack.enter_context(RawPeer(receiver.port)) for _ in range(100)]
        for peer in silent[::2]:
            peer.send(b"\x01\x00\x00")
        with storing(receiver) as peer:
            assert peer.echo(context_id=3).status == 0x0000
            peer.release()
        for peer in silent:
            with contextlib.suppress(ConnectionError):
                assert peer.read_pdu()[0] == ABORT


def test_the_oldest_silent_connection_makes_room_for_a_new_one(tmp_path: Path, caplog: Any) -> None:
    with receiving(tmp_path, connections_max=3, associations_max=3) as receiver, storing(receiver) as associated:
        with RawPeer(receiver.port) as first, RawPeer(receiver.port) as second:
            until(lambda: receiver.limits.connections == 3, "all are counted")
            with storing(receiver) as third:
                assert first.is_closed()
                second.send(associate_request(CONTEXTS, "HILUM", SECOND_MODALITY))
                assert second.read_pdu()[0] == ASSOCIATE_AC
                assert third.echo(context_id=3).status == associated.echo(context_id=3).status == 0x0000
        until(lambda: "connections dropped" in caplog.text, "it is in the log")


@pytest.mark.parametrize("limit", ["connections_max", "connections_per_address_max"])
def test_connections_beyond_those_that_are_associated_cost_no_thread(tmp_path: Path, caplog: Any, limit: str) -> None:
    limits: dict[str, Any] = {"associations_max": 3, limit: 3}
    with receiving(tmp_path, **limits) as receiver, contextlib.ExitStack() as stack:
        associated = [stack.enter_context(storing(receiver)) for _ in range(3)]
        threads = threading.active_count()
        for _ in range(50):
            with RawPeer(receiver.port) as peer:
                assert peer.is_closed()
        assert threading.active_count() == threads
        assert receiver.limits.dropped_total == {limit: 50}
        assert [peer.echo(context_id=3).status for peer in associated] == [0, 0, 0]
    dropped = [record for record in caplog.records if record.msg == "connections dropped"]
    assert 1 <= len(dropped) <= 10
    assert dropped[0].limits == [limit]


def test_connections_faster_than_allowed_are_dropped_in_one_line_a_second(tmp_path: Path, caplog: Any) -> None:
    with receiving(tmp_path, connections_per_s_max=5) as receiver:
        with storing(receiver) as peer:
            for _ in range(60):
                RawPeer(receiver.port).socket.close()
            until(lambda: receiver.limits.dropped_total["connections_per_s_max"] >= 20, "some were dropped")
            assert peer.echo(context_id=3).status == 0x0000
            until(lambda: "connections dropped" in caplog.text, "it is in the log")

        def comes_in() -> bool:
            with RawPeer(receiver.port) as peer, contextlib.suppress(ConnectionError):
                return peer.associate(CONTEXTS)[0] == ASSOCIATE_AC
            return False

        until(comes_in, "who comes back later is served")
    lines = [record for record in caplog.records if record.msg == "connections dropped"]
    assert len(lines) <= 10
    assert {limit for line in lines for limit in line.limits} == {"connections_per_s_max"}


def test_after_a_storm_all_counters_are_zero(tmp_path: Path) -> None:
    """Peers that come, ask, store, vanish and fall silent, eight at a time, at limits they all run into."""
    limits: dict[str, Any] = {
        "connections_max": 12,
        "associations_max": 4,
        "associations_per_ae_max": 3,
        "acse_timeout_s": 1,
    }
    with receiving(tmp_path, connections_per_s_max=100_000, **limits) as receiver:

        def storm(number: int) -> None:
            for turn in range(25):
                with contextlib.suppress(ConnectionError, AssertionError), RawPeer(receiver.port) as peer:
                    kind = (number + turn) % 5
                    if kind and peer.associate(CONTEXTS)[0] == ASSOCIATE_AC:
                        if kind == 1:
                            peer.echo(context_id=3)
                            peer.release()
                        if kind == 2:
                            peer.send(STORE + p_data(pdv(1, DATA, DATA_SET[:100])))
                        if kind == 3:
                            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        if kind == 4:
                            peer.send(b"\xff" * 10)

        threads = [threading.Thread(target=storm, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: receiver.limits.connections == 0, "all left")
        assert receiver.limits.connections_total > 0
        with storing(receiver) as peer:
            assert peer.echo(context_id=3).status == 0x0000
            peer.release()


# --- associations -------------------------------------------------------------------------------------------------


def test_one_ae_title_cannot_take_all_places(tmp_path: Path, caplog: Any) -> None:
    with (
        receiving(tmp_path, associations_max=3, associations_per_ae_max=2) as receiver,
        contextlib.ExitStack() as stack,
    ):
        first, _ = (stack.enter_context(storing(receiver, calling=title)) for title in ("MODALITY", " MODALITY "))
        with RawPeer(receiver.port) as third:
            assert third.associate(CONTEXTS) == (ASSOCIATE_RJ, bytes((0, 2, 3, 2)))
        assert outcome(caplog) == "rejected 2/3/2: associations_per_ae_max reached"
        stack.enter_context(storing(receiver, calling=SECOND_MODALITY))
        with RawPeer(receiver.port) as other:
            assert other.associate(CONTEXTS, calling=SECOND_MODALITY) == (ASSOCIATE_RJ, bytes((0, 2, 3, 2)))
        until(lambda: outcome(caplog) == "rejected 2/3/2: associations_max reached", "which limit it was is in the log")
        first.release()
        stack.enter_context(storing(receiver))


# --- deadlines ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "sends", "reason"),
    [
        ({"idle_timeout_s": 0.3}, b"", "idle_timeout_s"),
        ({"pdu_timeout_s": 0.3}, ECHO[:-1], "pdu_timeout_s"),
        ({"pdu_timeout_s": 0.3}, b"\x04", "pdu_timeout_s"),
        ({"message_timeout_s": 0.3}, p_data(pdv(3, 0x01, b"\0")), "message_timeout_s"),
        ({"message_timeout_s": 0.3}, STORE, "message_timeout_s"),
        ({"message_timeout_s": 0.3}, STORE + p_data(pdv(1, DATA, b"data")), "message_timeout_s"),
        ({"rate_window_s": 0.3}, STORE + p_data(pdv(1, DATA, bytes(200))), "bytes_per_s_min"),
        ({"instance_bytes_max": 1000}, STORE + p_data(pdv(1, DATA, bytes(1001))), "instance_bytes_max"),
        ({}, p_data(pdv(1, 0x01, bytes(COMMAND_BYTES_MAX + 1))), f"more than {COMMAND_BYTES_MAX} bytes"),
        ({}, p_data(*[pdv(1, 0x01, b"")] * (EMPTY_PDVS_MAX + 1)), f"more than {EMPTY_PDVS_MAX} empty"),
        ({}, STORE + p_data(*[pdv(1, DATA, b"")] * (EMPTY_PDVS_MAX + 1)), f"more than {EMPTY_PDVS_MAX} empty"),
        ({"pdu_bytes_max": 4096}, struct.pack(">BxL", 4, 4097), "negotiated maximum 4096"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_oversteps_a_limit_is_aborted_and_the_log_names_it(
    tmp_path: Path, caplog: Any, limits: dict[str, Any], sends: bytes, reason: str
) -> None:
    with receiving(tmp_path, **limits) as receiver, storing(receiver) as peer:
        peer.send(sends)
        assert peer.is_aborted()
        peer.socket.close()
        assert outcome(caplog).startswith("aborted: ") and reason in outcome(caplog)


def test_who_drips_within_every_timeout_is_aborted_all_the_same(tmp_path: Path, caplog: Any) -> None:
    limits: dict[str, Any] = {"bytes_per_s_min": 1000, "rate_window_s": 0.6, "idle_timeout_s": 5, "pdu_timeout_s": 5}
    with receiving(tmp_path, **limits) as receiver, storing(receiver) as peer:
        peer.send(STORE)
        with contextlib.suppress(ConnectionError):
            for _ in range(400):
                peer.send(p_data(pdv(1, DATA, b"drip")))
                if select.select([peer.socket], [], [], 0.05)[0]:
                    break
            assert peer.is_aborted()
        peer.socket.close()
        assert "bytes_per_s_min: less than 1000 bytes/s for 0.6 s" in outcome(caplog)


def test_a_sender_that_is_steady_is_not_too_slow(tmp_path: Path) -> None:
    limits: dict[str, Any] = {"bytes_per_s_min": 1000, "rate_window_s": 1, "idle_timeout_s": 2, "pdu_timeout_s": 1}
    with receiving(tmp_path, **limits) as receiver, storing(receiver) as peer:
        peer.send(STORE)
        peer.send_data_set(1, DATA_SET, step=len(DATA_SET) // 5, pause_s=0.4)
        assert peer.read_response().status == 0x0000
        peer.release()


class SlowSpool(Spool):
    """A spool on a disk that takes its time."""

    def open_part(self, head: bytes = b"", *, is_limited: bool = True) -> PartFile:
        time.sleep(0.5)
        return super().open_part(head, is_limited=is_limited)


def test_a_slow_disk_is_not_the_fault_of_the_sender(tmp_path: Path) -> None:
    """The disk takes longer than any deadline, before and while the sender's data wait in the socket."""
    limits = {"idle_timeout_s": 0.3, "pdu_timeout_s": 0.3, "message_timeout_s": 0.3}
    limits |= {"bytes_per_s_min": 10**9, "rate_window_s": 0.3}
    with receiving(tmp_path, SlowSpool(tmp_path / "spool"), **limits) as receiver, storing(receiver) as peer:
        assert peer.store(DATA_SET, DX, UID).status == 0x0000
        peer.release()


def test_who_does_not_close_after_an_abort_is_closed(tmp_path: Path) -> None:
    """Whatever is still sent is not looked at, and does not put the end off."""
    with receiving(tmp_path, acse_timeout_s=1) as receiver, storing(receiver) as peer:
        peer.send(b"\xff" * 6)
        assert peer.is_aborted()
        with pytest.raises(ConnectionError):
            for _ in range(10**9):
                peer.send(ECHO * 1000)


def test_who_sends_ahead_fills_its_own_buffers_and_not_the_node(tmp_path: Path) -> None:
    """While one message is answered the next ones stay in the socket, which takes no more at some point."""
    ledger = MemoryLedger()
    message = STORE + p_data(pdv(1, DATA_LAST, DATA_SET))
    socket_bytes_max = 2 * sum(
        int(Path(f"/proc/sys/net/ipv4/{name}").read_text().split()[2]) for name in ("tcp_rmem", "tcp_wmem")
    )
    with running_receiver(tmp_path, ledger) as receiver, storing(receiver) as peer:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peer.socket.setblocking(False)
        sent = 0
        with ledger._lock:  # the ledger stands still
            while select.select([], [peer.socket], [], 1.0)[1]:
                sent += peer.socket.send((message * 50)[sent % len(message) :])
                assert sent < socket_bytes_max
            assert receiver.limits.associations == 1
            grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
            assert grown_kib < 8 * 1024
        peer.socket.settimeout(20)
        rest = message[sent % len(message) :] if sent % len(message) else b""
        answers: list[int] = []
        reader = threading.Thread(
            target=lambda: answers.extend(peer.read_response().status for _ in range(-(-sent // len(message))))
        )
        reader.start()
        peer.send(rest)
        reader.join()
        assert len(answers) > 10 and set(answers) == {0x0000}
        peer.release()


# --- what waits ---------------------------------------------------------------------------------------------------


def wakeups() -> int:
    """How often threads of this process, other than this one, have slept and woken up."""
    total = 0
    for task in Path("/proc/self/task").iterdir():
        if int(task.name) != threading.get_native_id():
            fields = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines())
            total += int(fields["voluntary_ctxt_switches"]) + int(fields["nonvoluntary_ctxt_switches"])
    return total


def test_idle_associations_and_silent_connections_do_nothing_at_all(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(storing(receiver)) for _ in range(8)]
        for _ in range(4):
            stack.enter_context(RawPeer(receiver.port))
        stack.enter_context(storing(receiver)).send(STORE)  # within a message
        until(lambda: receiver.limits.connections == 13, "all are there")
        time.sleep(0.2)
        before = wakeups()
        time.sleep(2.0)
        assert wakeups() - before <= 3  # threads of the interpreter's own and of other tests, if any
        assert [peer.echo(context_id=3).status for peer in idle] == [0] * 8


def test_a_waiting_association_is_told_when_the_node_stops(tmp_path: Path, caplog: Any) -> None:
    ledger = MemoryLedger()
    with running_receiver(tmp_path, ledger) as receiver, storing(receiver) as idle, storing(receiver) as busy:
        with RawPeer(receiver.port) as silent:
            busy.send(STORE + p_data(pdv(1, DATA, DATA_SET[:1000])))
            until(lambda: files_below(tmp_path / "spool") != [], "a message is under way")
            stopping = threading.Thread(target=receiver.stop, args=(20,))
            stopping.start()
            assert idle.is_aborted()
            assert silent.is_closed()
        busy.send(p_data(pdv(1, DATA_LAST, DATA_SET[1000:])))
        assert busy.read_response().status == 0x0000
        assert busy.is_aborted()
        stopping.join()
    assert outcome(caplog) == "aborted: the node stops"
    assert list(ledger.rows) == [UID]


def test_a_message_that_never_ends_does_not_keep_the_node(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    with running_receiver(tmp_path, ledger) as receiver, storing(receiver) as busy:
        busy.send(STORE)
        until(lambda: files_below(tmp_path / "spool") != [], "a message is under way")
        assert receiver.stop(drain_s=0.1) == 1
        assert busy.is_aborted()
    assert files_below(tmp_path / "spool") == []


# --- out of turn --------------------------------------------------------------------------------------------------

RELEASE = struct.pack(">BxLL", 0x05, 4, 0)
CANCEL = p_data(pdv(1, COMMAND_LAST, command_set({0x0100: b"\xff\x0f", 0x0120: b"\1\0", 0x0800: b"\1\1"})))


@pytest.mark.parametrize(
    "sends",
    [
        CANCEL * 5000,
        STORE + CANCEL,
        associate_request(CONTEXTS, "HILUM", "MODALITY"),
        STORE + associate_request(CONTEXTS, "HILUM", "MODALITY"),
        struct.pack(">BxL", 0x08, 0),
        struct.pack(">BxLL", 0x03, 4, 0),
        struct.pack(">BxLL", 0x06, 4, 0),
    ],
    ids=["cancels", "cancel in a message", "request", "request in a message", "type 8", "reject", "release response"],
)
def test_what_comes_out_of_turn_is_aborted(tmp_path: Path, sends: bytes) -> None:
    with receiving(tmp_path) as receiver, storing(receiver) as peer:
        with contextlib.suppress(ConnectionError):
            peer.send(sends)
        assert peer.is_aborted()


@pytest.mark.parametrize("sends", [ECHO, RELEASE, struct.pack(">BxL", 0x00, 4)], ids=["P-DATA", "release", "type 0"])
def test_what_comes_before_the_association_is_aborted(tmp_path: Path, sends: bytes) -> None:
    with receiving(tmp_path) as receiver, RawPeer(receiver.port) as peer:
        peer.send(sends)
        assert peer.is_aborted()


def test_what_comes_after_the_release_is_not_looked_at(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver, storing(receiver) as peer:
        peer.send(RELEASE + STORE + p_data(pdv(1, DATA_LAST, DATA_SET)) + b"\xff" * 100)
        assert peer.read_pdu()[0] == 0x06
        peer.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            assert peer.socket.recv(1) == b""


# --- negotiations that are remembered -----------------------------------------------------------------------------

CLASSES = [VERIFICATION, *STORAGE_CLASSES, *(str(cx.abstract_syntax) for cx in AllStoragePresentationContexts[:5])]
SYNTAXES = [IMPLICIT_LE, *(row.uid for row in TRANSFER_SYNTAXES), "1.2.840.10008.1.2.4.102", "1.2.3"]
Proposal = list[tuple[str, list[str]]]
PROPOSALS = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.lists(st.sampled_from(SYNTAXES), min_size=1, max_size=4, unique=True)),
    min_size=1,
    max_size=6,
)


def user_items(draw: tuple[int, bool, bool, bool]) -> bytes:
    """User information, with and without asynchronous operations, role selection and extended negotiation."""
    pdu_bytes_max, roles, asynchronous, extended = draw
    items = _item(0x51, struct.pack(">L", pdu_bytes_max)) + _item(0x52, b"1.2.3.4.5") + _item(0x55, b"RAWPEER")
    if asynchronous:
        items += _item(0x53, struct.pack(">HH", 5, 5))
    uid = DX.encode()
    if roles:
        items += _item(0x54, struct.pack(">H", len(uid)) + uid + b"\1\1")
    if extended:
        items += _item(0x56, struct.pack(">H", len(uid)) + uid + b"\2\0\1")
    return _item(0x50, items)


def request_of(proposal: Proposal, user: bytes, calling: str) -> bytes:
    items = _item(0x10, b"1.2.840.10008.3.1.1.1")
    for index, (abstract, syntaxes) in enumerate(proposal):
        names = _item(0x30, abstract.encode()) + b"".join(_item(0x40, syntax.encode()) for syntax in syntaxes)
        items += _item(0x20, bytes((2 * index + 1, 0, 0, 0)) + names)
    titles = b"HILUM".ljust(16) + calling.encode().ljust(16)
    body = struct.pack(">HH", 1, 0) + titles + bytes(32) + items + user
    return struct.pack(">BxL", 0x01, len(body)) + body


def _item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(content)) + content


def answer(port: int, request: bytes) -> bytes:
    with RawPeer(port) as peer:
        peer.send(request)
        pdu_type, body = peer.read_pdu()
        assert pdu_type == ASSOCIATE_AC
        peer.release()
        return body


@pytest.fixture(scope="module")
def plain_pynetdicom() -> Iterator[int]:
    """A server of pynetdicom's own that accepts what the node accepts."""
    ae = AE("HILUM")
    ae.implementation_class_uid, ae.implementation_version_name = IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
    ae.maximum_pdu_size = 131072
    server = ae.start_server(("127.0.0.1", 0), block=False, contexts=presentation_contexts())
    assert server is not None
    yield int(server.server_address[1])
    server.shutdown()


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageScp]:
    with receiving(tmp_path_factory.mktemp("negotiations"), connections_per_s_max=100_000) as receiver:
        yield receiver


@given(
    proposal=PROPOSALS, user=st.tuples(st.sampled_from([0, 16384, 131072]), st.booleans(), st.booleans(), st.booleans())
)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_remembered_is_what_pynetdicom_answers(
    remembering: StorageScp, plain_pynetdicom: int, proposal: Proposal, user: tuple[int, bool, bool, bool]
) -> None:
    request = request_of(proposal, user_items(user), "MODALITY")
    expected = answer(plain_pynetdicom, request)
    assert answer(remembering.port, request) == expected, "negotiated"
    assert answer(remembering.port, request) == expected, "remembered"
    other = request_of(proposal, user_items(user), SECOND_MODALITY)
    titled = expected[:20] + SECOND_MODALITY.encode().ljust(16) + expected[36:]
    assert answer(remembering.port, other) == titled, "remembered for another"
    until(lambda: remembering.limits.connections == 0, "all left")


def negotiations(receiver: StorageScp) -> int:
    return len(receiver._shared.terms.negotiations)


def test_a_remembered_association_works_like_any_other(tmp_path: Path, caplog: Any) -> None:
    with receiving(tmp_path) as receiver:
        for number in range(3):
            with storing(receiver) as peer:
                ds = make_dx(rows=16, columns=16, seed=number)
                assert peer.store(data_set_bytes(ds), DX, str(ds.SOPInstanceUID)).status == 0x0000
                assert peer.echo(context_id=3).status == 0x0000
                assert peer.echo(context_id=1).status == 0x0122
                peer.send(p_data(pdv(5, COMMAND_LAST, echo_command())))
                assert peer.is_aborted()
        assert negotiations(receiver) == 1
        until(lambda: receiver.limits.connections == 0, "all left")
    ends = [record for record in caplog.records if record.msg == "association ended"]
    assert [(end.source, end.messages, end.refused, end.outcome) for end in ends] == [
        ("pacs", 3, 1, "aborted: presentation context 5 was not accepted")
    ] * 3


def test_who_is_let_in_is_decided_each_time(tmp_path: Path) -> None:
    with receiving(tmp_path, associations_per_ae_max=1) as receiver, storing(receiver):
        assert negotiations(receiver) == 1
        cases: list[tuple[dict[str, Any], tuple[int, int, int]]] = [
            ({"calling": "NOBODY"}, (1, 1, 3)),
            ({"called": "OTHER"}, (1, 1, 7)),
            ({}, (2, 3, 2)),
        ]
        for asked, reason in cases:
            with RawPeer(receiver.port) as peer:
                assert peer.associate(CONTEXTS, **asked) == (ASSOCIATE_RJ, bytes((0, *reason)))


@pytest.mark.parametrize(("calling", "answers"), [("MODALITY", [ASSOCIATE_AC, 0x04]), ("NOBODY", [ASSOCIATE_RJ])])
def test_a_remembered_request_is_answered_before_what_was_sent_ahead(
    tmp_path: Path, calling: str, answers: list[int]
) -> None:
    with receiving(tmp_path) as receiver:
        with storing(receiver) as peer:
            peer.release()
        with RawPeer(receiver.port) as peer:
            peer.send(associate_request(CONTEXTS, "HILUM", calling) + ECHO)
            assert [peer.read_pdu()[0] for _ in answers] == answers


def test_what_strangers_ask_is_not_remembered(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        with RawPeer(receiver.port) as peer:
            assert peer.associate(CONTEXTS, calling="NOBODY")[0] == ASSOCIATE_RJ
        assert negotiations(receiver) == 0


def test_a_request_with_a_user_identity_is_not_remembered(tmp_path: Path) -> None:
    identity = _item(0x58, b"\x02\x00" + struct.pack(">H", 4) + b"user" + struct.pack(">H", 8) + b"passcode")
    user = _item(0x51, struct.pack(">L", 16384)) + _item(0x52, b"1.2.3.4.5") + identity
    with receiving(tmp_path) as receiver:
        for _ in range(2):
            answer(receiver.port, request_of([(DX, [EXPLICIT_LE])], _item(0x50, user), "MODALITY"))
        assert negotiations(receiver) == 0


def test_few_negotiations_are_remembered(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        for number in range(ENTRIES_MAX + 10):
            user = _item(0x50, _item(0x51, struct.pack(">L", 16384 + number)) + _item(0x52, b"1.2.3.4.5"))
            answer(receiver.port, request_of([(DX, [EXPLICIT_LE])], user, "MODALITY"))
        assert negotiations(receiver) == ENTRIES_MAX


# --- what it leaves -----------------------------------------------------------------------------------------------


def test_one_line_an_association_tells_who_what_and_how_it_ended(tmp_path: Path, caplog: Any) -> None:
    def lines(act: Callable[[RawPeer], object], **asked: Any) -> Sequence[Any]:
        caplog.clear()
        with RawPeer(receiver.port) as peer:
            peer.associate(CONTEXTS, **asked)
            act(peer)
        until(lambda: receiver.limits.connections == 0, "it left")
        return [record for record in caplog.records if record.msg == "association ended"]

    def store_and_release(peer: RawPeer) -> None:
        peer.store(DATA_SET, DX, UID)
        peer.release()

    with receiving(tmp_path) as receiver:
        (line,) = lines(store_and_release)
        assert (line.source, line.calling_ae_title, line.address) == ("pacs", "MODALITY", "127.0.0.1")
        assert (line.messages, line.refused, line.bytes) == (1, 0, len(DATA_SET))
        assert line.took_s > 0 and line.outcome == "released"
        (line,) = lines(lambda peer: None)
        assert line.outcome == "connection lost"
        (line,) = lines(lambda peer: peer.send(struct.pack(">BxLL", ABORT, 4, 0)))
        assert line.outcome == "aborted by the peer"
        (line,) = lines(lambda peer: None, calling="NOBODY")
        assert (line.source, line.outcome) == ("", "rejected 1/1/3: calling AE title may not send")
        (line,) = lines(lambda peer: None, calling="EVIL\r\nINFO x")
        assert line.outcome == "rejected 1/1/3: calling AE title may not send"
        assert all(value.isprintable() for value in vars(line).values() if isinstance(value, str))


def test_an_open_association_costs_less_than_a_megabyte(tmp_path: Path) -> None:
    ds = make_dx(rows=1000, columns=1000)
    uid, data = str(ds.SOPInstanceUID), data_set_bytes(ds)
    with receiving(tmp_path) as receiver, contextlib.ExitStack() as stack:

        def open_and_store(number: int) -> None:
            peer = stack.enter_context(storing(receiver))
            own = f"{uid[:-4]}1{number:03}"
            assert peer.store(data.replace(uid.encode(), own.encode()), DX, own).status == 0x0000

        for number in range(10):  # imports, buffers, arenas
            open_and_store(number)
        before = resident_bytes()
        for number in range(10, 40):
            open_and_store(number)
        assert (resident_bytes() - before) / 30 < 2**20


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
