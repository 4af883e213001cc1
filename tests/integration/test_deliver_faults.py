"""Every way in which a destination can fail a delivery: told apart, bounded in time, without harm to the next one."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.deliver.destinations import Destinations
from scp_node.deliver.outcomes import SendOutcome, Verdict
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR
from tests.support.dicom.objects import small_file
from tests.support.node.delivering import settings_for
from tests.support.peers.archives import scripted_archive
from tests.support.peers.scripted_peer import accept_all, accepting, read_pdu, scripted_peer, store_response, take_store

ABORT = b"\x07\0\0\0\0\x04\0\0\0\0"
RELEASE_RQ = b"\x05\0\0\0\0\x04\0\0\0\0"
BOUND_S = 30.0


def send_once(port: int, path: Path, ae_title: str = "ARCHIVE", **delivery: Any) -> SendOutcome:
    destinations = Destinations(settings_for({"pacs": (ae_title, port)}, **delivery))
    started = time.monotonic()
    try:
        return destinations.send("pacs", path)
    finally:
        destinations.close()
        assert time.monotonic() - started < BOUND_S


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (0x0000, Verdict.SENT),
        (0xB000, Verdict.SENT),
        (0xB006, Verdict.SENT),
        (0xB007, Verdict.SENT),
        (0x0111, Verdict.SENT),
        (0xA700, Verdict.RETRY),
        (0x0110, Verdict.RETRY),
        (0xA900, Verdict.DEAD),
        (0xC123, Verdict.DEAD),
        (0x0122, Verdict.CLASS_NOT_ACCEPTED),
    ],
)
def test_the_status_of_the_archive_decides(tmp_path: Path, status: int, verdict: Verdict) -> None:
    with scripted_archive(status) as archive:
        outcome = send_once(archive.port, small_file(tmp_path))
    assert (outcome.verdict, outcome.status) == (verdict, status)
    assert f"0x{status:04X}" in outcome.message


def test_the_error_comment_is_kept_apart_from_the_message(tmp_path: Path) -> None:
    answer = Dataset()
    answer.Status, answer.ErrorComment = 0xA700, "disk of DOE^JOHN full"
    with scripted_archive(answer) as archive:
        outcome = send_once(archive.port, small_file(tmp_path))
    assert outcome.comment == "disk of DOE^JOHN full"
    assert "DOE" not in outcome.message


def test_a_wrong_called_ae_title_is_named_and_tried_again(tmp_path: Path) -> None:
    with scripted_archive() as archive:
        outcome = send_once(archive.port, small_file(tmp_path), ae_title="WRONG")
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "rejected-called-ae")
    assert "WRONG" in outcome.message and "ae_title" in outcome.message


def test_an_archive_that_does_not_know_this_node_is_named_and_tried_again(tmp_path: Path) -> None:
    with scripted_archive(calling_ae_titles=["SOMEBODY"]) as archive:
        outcome = send_once(archive.port, small_file(tmp_path))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "rejected-calling-ae")


@pytest.mark.parametrize(
    ("reason", "code"), [((2, 3, 1), "rejected-congestion"), ((2, 3, 2), "rejected-limit"), ((1, 1, 1), "rejected")]
)
def test_an_archive_without_room_is_tried_again(tmp_path: Path, reason: tuple[int, int, int], code: str) -> None:
    def reject(connection: socket.socket) -> None:
        read_pdu(connection)
        connection.sendall(b"\x03\0\0\0\0\x04\0" + bytes(reason))

    with scripted_peer(reject) as port:
        outcome = send_once(port, small_file(tmp_path))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, code)


def test_nothing_listens(tmp_path: Path, port: int) -> None:
    outcome = send_once(port, small_file(tmp_path))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "connection-refused")


def test_a_host_name_that_nobody_knows(tmp_path: Path) -> None:
    settings = settings_for({"pacs": ("ARCHIVE", 104)})
    remote = settings.remote_aes["pacs"].model_copy(update={"host": "no-such-host.invalid"})
    destinations = Destinations(settings.model_copy(update={"remote_aes": {"pacs": remote}}))
    outcome = destinations.send("pacs", small_file(tmp_path))
    destinations.close()
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "host-unknown")


def test_a_connection_that_is_never_answered_ends_in_time(tmp_path: Path) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = [socket.socket() for _ in range(3)]
        for other in others:  # the queue of connections is full: the next one gets no answer at all
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        outcome = send_once(full.getsockname()[1], small_file(tmp_path), connect_timeout_s=0.5)
        for other in others:
            other.close()
    assert outcome.verdict is Verdict.RETRY
    assert outcome.code in ("connect-timeout", "association-timeout")


def silent_for_two_seconds(connection: socket.socket) -> None:
    connection.recv(1)
    time.sleep(2)


def test_a_peer_that_says_nothing_to_the_association_request_is_left_in_time(tmp_path: Path) -> None:
    with scripted_peer(silent_for_two_seconds) as port:
        outcome = send_once(port, small_file(tmp_path), connect_timeout_s=0.5)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "association-timeout")


def test_a_peer_that_sends_half_a_pdu_is_left_in_time(tmp_path: Path) -> None:
    def half(connection: socket.socket) -> None:
        connection.sendall(accepting(read_pdu(connection))[:20])
        connection.recv(1)

    with scripted_peer(half) as port:
        outcome = send_once(port, small_file(tmp_path), connect_timeout_s=0.5)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "association-timeout")


def test_a_peer_that_never_answers_the_store_is_left_in_time(tmp_path: Path) -> None:
    def silent(connection: socket.socket) -> None:
        accept_all(connection)
        take_store(connection)
        read_pdu(connection)

    with scripted_peer(silent) as port:
        outcome = send_once(port, small_file(tmp_path), response_timeout_s=0.5)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "response-timeout")


def test_a_peer_that_stops_reading_is_left_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp_node.deliver.connection.BYTES_PER_S_MIN", 1 << 20)

    def deaf(connection: socket.socket) -> None:
        accept_all(connection)
        time.sleep(3)

    with scripted_peer(deaf) as port:
        outcome = send_once(port, small_file(tmp_path, SECONDARY_CAPTURE, side=1600), response_timeout_s=0.5)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "send-timeout")


@pytest.mark.parametrize("farewell", [ABORT, b""], ids=["abort", "closed"])
def test_a_peer_that_goes_away_in_mid_transfer_is_tried_again(tmp_path: Path, farewell: bytes) -> None:
    def leave(connection: socket.socket) -> None:
        accept_all(connection)
        read_pdu(connection)
        read_pdu(connection)
        connection.sendall(farewell)
        connection.close()

    with scripted_peer(leave) as port:
        outcome = send_once(port, small_file(tmp_path, SECONDARY_CAPTURE, side=1600))
    assert outcome.verdict is Verdict.RETRY
    assert outcome.code in ("aborted", "connection-lost")


@pytest.mark.parametrize("farewell", [ABORT, b""], ids=["abort", "closed"])
def test_a_lost_response_is_tried_again(tmp_path: Path, farewell: bytes) -> None:
    def lose(connection: socket.socket) -> None:
        accept_all(connection)
        take_store(connection)
        connection.sendall(farewell)
        connection.shutdown(socket.SHUT_RDWR)

    with scripted_peer(lose) as port:
        outcome = send_once(port, small_file(tmp_path))
    assert outcome.verdict is Verdict.RETRY
    assert outcome.code == ("aborted" if farewell else "connection-lost")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x02\0\xff\xff\xff\xff" + bytes(100),
        b"\x02\0\0\0\0\x08" + bytes(8),
        b"\x04\0\0\0\0\x06\0\0\0\x02\x01\x03",
    ],
    ids=["http", "enormous", "empty accept", "data first"],
)
def test_an_answer_that_is_not_dicom_is_tried_again(tmp_path: Path, answer: bytes) -> None:
    def other(connection: socket.socket) -> None:
        read_pdu(connection)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    with scripted_peer(other) as port:
        outcome = send_once(port, small_file(tmp_path))
    assert outcome.verdict in (Verdict.RETRY, Verdict.CLASS_NOT_ACCEPTED)
    assert outcome.code in ("protocol-error", "connection-lost", "class-not-accepted")


@pytest.mark.parametrize("wrong", ["message", "context", "release", "garbage"])
def test_a_response_out_of_order_is_tried_again(tmp_path: Path, wrong: str) -> None:
    def confuse(connection: socket.socket) -> None:
        accept_all(connection)
        context_id, message_id = take_store(connection)
        answers = {
            "message": store_response(context_id, message_id + 1),
            "context": store_response(context_id + 2, message_id),
            "release": RELEASE_RQ,
            "garbage": b"\x04\0\0\0\0\x08\0\0\0\x04" + bytes([context_id, 0x03]) + b"xx",
        }
        connection.sendall(answers[wrong])
        connection.recv(1)

    with scripted_peer(confuse) as port:
        outcome = send_once(port, small_file(tmp_path))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "protocol-error")


class _Slow(socket.socket):
    """Reads of a connection in small sips."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(fileno=connection.dup().detach())

    def recv(self, count: int, flags: int = 0) -> bytes:
        time.sleep(0.05)
        return super().recv(min(count, 2000), flags)


def test_a_slow_archive_is_not_a_stuck_archive(tmp_path: Path) -> None:
    """It takes the data in small sips, longer than the response timeout for the whole, and gets everything."""

    def sip(connection: socket.socket) -> None:
        accept_all(connection)
        with _Slow(connection) as slow:
            connection.sendall(store_response(*take_store(slow)))
        read_pdu(connection)

    with scripted_peer(sip) as port:
        outcome = send_once(port, small_file(tmp_path, SECONDARY_CAPTURE, side=100), response_timeout_s=0.6)
    assert outcome.code == "stored"


def test_a_refused_3d_report_says_so_and_comprehensive_is_taken(tmp_path: Path) -> None:
    with scripted_archive(classes=[COMPREHENSIVE_SR, SECONDARY_CAPTURE]) as archive:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", archive.port)}))
        refused = destinations.send("pacs", small_file(tmp_path, COMPREHENSIVE_3D_SR))
        taken = destinations.send("pacs", small_file(tmp_path, COMPREHENSIVE_SR))
        destinations.close()
    assert (refused.verdict, refused.code) == (Verdict.CLASS_NOT_ACCEPTED, "class-not-accepted")
    assert refused.class_refused and taken.sent
    assert archive.associations == 1


def test_an_archive_that_accepts_no_result_class_says_so(tmp_path: Path) -> None:
    with scripted_archive(classes=["1.2.840.10008.5.1.4.1.1.2"]) as archive:
        outcome = send_once(archive.port, small_file(tmp_path))
    assert outcome.verdict is Verdict.CLASS_NOT_ACCEPTED


def test_what_is_not_part10_is_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not DICOM")
    with scripted_archive() as archive:
        outcome = send_once(archive.port, path)
        missing = send_once(archive.port, tmp_path / "missing.dcm")
    assert (outcome.verdict, outcome.code) == (Verdict.DEAD, "not-part10")
    assert (missing.verdict, missing.code) == (Verdict.DEAD, "file-missing")
    assert archive.associations == 0


def test_a_destination_that_is_no_longer_configured_is_named(tmp_path: Path) -> None:
    destinations = Destinations(settings_for({"pacs": ("ARCHIVE", 104)}))
    outcome = destinations.send("gone", small_file(tmp_path))
    destinations.close()
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "unknown-destination")
