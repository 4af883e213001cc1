"""What broken or hostile peers send is refused or aborted in order; afterwards the receiver answers as before.

What can be told in bytes and one answer is a line of tests/support/hostile; the behaviour of peers over
time stands here. One receiver serves them all, one well-behaved association is open all the while, and after each case
`Watch` looks at what is left.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import socket
import struct
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scp_node.receive.association import ReceivingAssociation
from scp_node.receive.scp import StorageScp
from scp_node.receive.unserved import MESSAGES_MAX
from tests.support.crash.aftermath import Watch, watching
from tests.support.hostile.cases import Accepted, Case, Gone, Rejected, Status, Stored
from tests.support.hostile.messages import CANARY, CONTEXTS, DATA_SET, DX, UID, other_command, store
from tests.support.hostile.on_association import ASSOCIATIONS
from tests.support.hostile.on_connection import CONNECTIONS
from tests.support.node.receiving import MemoryLedger, files_below, running_receiver
from tests.support.peers.raw_scu import (
    ABORT,
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    COMMAND_LAST,
    DATA,
    RawPeer,
    echo_command,
    p_data,
    pdv,
    store_command,
)
from tests.support.waiting import until

LIMITS: dict[str, Any] = {"pdu_timeout_s": 1, "idle_timeout_s": 60, "acse_timeout_s": 1, "associations_max": 5}
LIMITS |= {"instance_bytes_max": 8 * 2**20}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture(scope="module")
def receiver(folder: Path, ledger: MemoryLedger) -> Iterator[StorageScp]:
    with running_receiver(folder, ledger, **LIMITS) as one:
        yield one


@pytest.fixture(scope="module")
def held_open(receiver: StorageScp, folder: Path, ledger: MemoryLedger) -> Iterator[Watch]:
    """From before the first case to after the last."""
    with warnings.catch_warnings(), watching(receiver, folder, ledger) as watch:
        yield watch


@pytest.fixture
def watch(held_open: Watch) -> Iterator[Watch]:
    """For what leaves nothing stored."""
    yield held_open
    assert CANARY not in held_open.check()


@contextlib.contextmanager
def storing(receiver: StorageScp) -> Iterator[RawPeer]:
    """An association with the presentation contexts of the table."""
    with RawPeer(receiver.port) as peer:
        assert peer.associate(CONTEXTS)[0] == ASSOCIATE_AC
        assert len(peer.accepted) == len(CONTEXTS)
        yield peer


def named(cases: list[Case]) -> pytest.MarkDecorator:
    assert len({case.name for case in cases}) == len(cases)
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


# --- the table ----------------------------------------------------------------------------------------------------


@named(CONNECTIONS)
def test_on_a_connection(receiver: StorageScp, held_open: Watch, case: Case) -> None:
    with RawPeer(receiver.port) as peer:
        send(peer, case.sends)
        if isinstance(case.answer, Gone):
            peer.socket.shutdown(socket.SHUT_WR)
        check_answer(peer, case)
    assert CANARY not in held_open.check()


@named(ASSOCIATIONS)
def test_on_an_association(receiver: StorageScp, held_open: Watch, case: Case) -> None:
    with storing(receiver) as peer:
        send(peer, case.sends)
        check_answer(peer, case)
    assert CANARY not in held_open.check(stored=int(isinstance(case.answer, Stored)))


def send(peer: RawPeer, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):  # the node may have had enough before the end
        peer.send(data)


def check_answer(peer: RawPeer, case: Case) -> None:
    match case.answer:
        case Rejected(result, source, reason):
            assert peer.read_pdu() == (ASSOCIATE_RJ, bytes((0, result, source, reason)))
        case Accepted(contexts):
            pdu_type, body = peer.read_pdu()
            assert pdu_type == ASSOCIATE_AC
            peer.take_accept(body)
            assert len(peer.accepted) == contexts
            peer.release()
        case Gone(or_closed=False):
            assert peer.is_aborted()
        case Gone():
            with contextlib.suppress(ConnectionError):
                assert peer.read_pdu()[0] in (ABORT, ASSOCIATE_RJ)
        case Status(code, comment):
            response = peer.read_response()
            assert (response.status, comment in response.comment) == (code, True), response.comment
            assert len(response.comment) <= 64 and response.comment.isprintable()
            go_on(peer)
        case Stored():
            response = peer.read_response()
            assert (response.field, response.status) == (0x8001, 0x0000), response.comment
            go_on(peer)


def go_on(peer: RawPeer) -> None:
    assert peer.echo(context_id=3).status == 0x0000
    peer.release()


# --- associations -------------------------------------------------------------------------------------------------


def test_ae_titles_count_without_the_spaces_around_them(receiver: StorageScp, watch: Watch) -> None:
    with RawPeer(receiver.port) as peer:
        assert peer.associate(called="HILUM     ", calling=" MODALITY ")[0] == ASSOCIATE_AC
        peer.release()


def test_more_associations_than_configured_are_rejected_for_the_moment(receiver: StorageScp, watch: Watch) -> None:
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
    until(lambda: receiver.association_count == 1, "all but the bystander left")


def test_a_storm_of_connections_is_answered(receiver: StorageScp, watch: Watch) -> None:
    """However many came and went, whoever comes back gets an answer."""
    for _ in range(10):
        with contextlib.ExitStack() as stack:
            for peer in [stack.enter_context(RawPeer(receiver.port)) for _ in range(20)]:
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with RawPeer(receiver.port) as peer:
            assert peer.associate()[0] == ASSOCIATE_AC
            peer.release()


def test_more_descriptors_than_select_can_count_are_no_obstacle(receiver: StorageScp, watch: Watch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 4096, hard))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(1100):
                stack.enter_context(open(os.devnull))  # noqa: PTH123
            with storing(receiver) as peer:
                assert peer.socket.fileno() > 1024
                assert peer.echo(context_id=3).status == 0x0000
                peer.release()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connecting_and_leaving_costs_nothing(receiver: StorageScp, watch: Watch) -> None:
    before = threading.active_count()
    for _ in range(100):
        RawPeer(receiver.port).socket.close()
    until(lambda: threading.active_count() <= before, "the threads ended")


# --- PDUs and messages --------------------------------------------------------------------------------------------


def test_a_data_set_that_stops_in_the_middle_of_a_pdu_is_aborted(
    receiver: StorageScp, watch: Watch, folder: Path
) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))))
        peer.send(p_data(pdv(1, DATA, DATA_SET[:2000]))[:1500])
        until(lambda: len(files_below(folder / "spool")) == 1, "the part file is there")
        assert peer.is_aborted()


def test_an_endless_command_set_is_aborted(receiver: StorageScp, watch: Watch) -> None:
    with storing(receiver) as peer:
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                peer.send(p_data(pdv(1, 0x01, bytes(1000))))
        assert peer.is_aborted()


def test_a_data_set_over_the_limit_is_aborted(receiver: StorageScp, watch: Watch, folder: Path) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))))
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                peer.send(p_data(pdv(1, DATA, bytes(100_000))))
        with contextlib.suppress(ConnectionError):
            assert peer.is_aborted()
    until(lambda: files_below(folder / "spool") == [], "the part file is gone")


def test_a_command_may_come_in_pieces(receiver: StorageScp, watch: Watch) -> None:
    command = echo_command()
    with storing(receiver) as peer:
        for byte in command[:-1]:
            peer.send(p_data(pdv(3, 0x01, bytes([byte]))))
        peer.send(p_data(pdv(3, COMMAND_LAST, command[-1:])))
        assert peer.read_response().status == 0x0000
        peer.release()


@pytest.mark.parametrize("has_data_set", [True, False])
def test_messages_that_are_not_served_are_answered_only_so_often(
    receiver: StorageScp, watch: Watch, has_data_set: bool
) -> None:
    with storing(receiver) as peer:
        peer.send(other_command(0x0020, has_data_set=has_data_set) * (MESSAGES_MAX + 1))
        assert [peer.read_response().status for _ in range(MESSAGES_MAX)] == [0x0211] * MESSAGES_MAX
        assert peer.read_response().status == 0x0211 and peer.is_aborted()


def test_a_data_set_for_nobody_is_not_read_without_end(receiver: StorageScp, watch: Watch) -> None:
    with storing(receiver) as peer:
        peer.send(other_command(0x0120, has_data_set=True))
        assert peer.read_response().status == 0x0211
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                peer.send(p_data(pdv(3, DATA, bytes(100_000))))
        with contextlib.suppress(ConnectionError):
            assert peer.is_aborted()


def test_messages_sent_ahead_are_answered_one_after_the_other(receiver: StorageScp, watch: Watch) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(3, COMMAND_LAST, echo_command())) * 200)
        assert [peer.read_response().status for _ in range(200)] == [0x0000] * 200
        peer.release()


def test_instances_sent_ahead_are_answered_one_after_the_other(
    receiver: StorageScp, held_open: Watch, folder: Path
) -> None:
    with storing(receiver) as peer:
        peer.send(store(DATA_SET) + store(DATA_SET[:100]) + store(DATA_SET) + store(b"") * 50)
        statuses = [peer.read_response().status for _ in range(53)]
        assert statuses == [0x0000, 0xC000, 0x0000] + [0xC000] * 50
        peer.release()
    held_open.check(stored=1)


def test_other_content_under_a_known_uid_is_a_version_and_every_version_is_kept(
    receiver: StorageScp, held_open: Watch, folder: Path
) -> None:
    with storing(receiver) as peer:
        answers = []
        for data in (DATA_SET, DATA_SET[:-2] + b"zz", DATA_SET, DATA_SET + b"more"):
            peer.send(store(data))
            answers.append(peer.read_response().status)
        assert answers == [0x0000] * 4
        peer.release()
    paths = files_below(folder)
    ends = sorted(path.read_bytes()[-4:] for path in paths)
    assert ends == sorted([DATA_SET[-4:], DATA_SET[-4:-2] + b"zz", b"more"])
    for path in paths[1:]:
        path.unlink()
    held_open.check(stored=1)


def test_a_peer_that_reads_no_responses_is_dropped(receiver: StorageScp, watch: Watch) -> None:
    echoes = p_data(pdv(3, COMMAND_LAST, echo_command())) * 1000
    with storing(receiver) as peer, pytest.raises(ConnectionError):
        for _ in range(1000):
            peer.send(echoes)


def test_a_connection_that_gets_no_thread_is_closed(
    receiver: StorageScp, watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(ReceivingAssociation, "start", fail)
        with RawPeer(receiver.port) as peer:
            assert peer.is_closed()
    assert "connection dropped" in caplog.text


def test_an_abort_of_the_peer_ends_the_association(receiver: StorageScp, watch: Watch, folder: Path) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))) + p_data(pdv(1, DATA, DATA_SET[:500])))
        peer.send(struct.pack(">BxLL", ABORT, 4, 0))
        assert peer.is_closed()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_peer_that_dies_in_the_middle_of_an_instance_leaves_nothing(
    receiver: StorageScp, watch: Watch, folder: Path, how: str
) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))))
        peer.send(p_data(pdv(1, DATA, DATA_SET[:5000])))
        until(lambda: len(files_below(folder / "spool")) == 1, "the part file is there")
        if how == "reset":
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: files_below(folder / "spool") == [], "the part file is gone")


def test_a_release_in_the_middle_of_an_instance_drops_it(receiver: StorageScp, watch: Watch, folder: Path) -> None:
    with storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))))
        peer.send(p_data(pdv(1, DATA, DATA_SET[:5000])))
        peer.release()
    until(lambda: files_below(folder / "spool") == [], "the part file is gone")


# --- log ----------------------------------------------------------------------------------------------------------


def test_an_association_is_one_log_line_whatever_a_peer_calls_itself(
    receiver: StorageScp, watch: Watch, caplog: pytest.LogCaptureFixture
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


# --- with limits of their own ----------------------------------------------------------------------------------------


def test_an_idle_association_is_aborted(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    with running_receiver(tmp_path, ledger, idle_timeout_s=0.5) as receiver, storing(receiver) as peer:
        assert peer.is_aborted()


def test_a_slow_but_steady_sender_is_not_idle(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    limits: dict[str, Any] = {"idle_timeout_s": 1, "pdu_timeout_s": 1}
    with running_receiver(tmp_path, ledger, **limits) as receiver, storing(receiver) as peer:
        peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, UID))))
        peer.send_data_set(1, DATA_SET, step=len(DATA_SET) // 5, pause_s=0.4)
        assert peer.read_response().status == 0x0000
        peer.release()
    assert list(ledger.rows) == [UID]
