"""An archive is asked by C-FIND: what it lists is found, whatever else it says, and nobody waits for it for ever."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

import pytest
from pydicom import Dataset

from scp_node.deliver.dimse.peer import Peer
from scp_node.deliver.dimse.query import Queried, find, is_held
from scp_node.dimse import command_set as cs
from scp_node.dimse.uids import EXPLICIT_LE, IMPLICIT_LE
from tests.support.peers.archives import scripted_archive
from tests.support.peers.ports import free_port
from tests.support.peers.queries import Answers, listing, one, querying_archive
from tests.support.peers.scripted_peer import accept_all, read_pdu, scripted_peer

STUDY, SERIES, OBJECT = "1.2.3", "1.2.3.4", "2.25.1"
KEYS = Dataset()
KEYS.QueryRetrieveLevel = "STUDY"


def peer_at(port: int, response_timeout_s: float = 5) -> Peer:
    return Peer("127.0.0.1", port, "ARCHIVE", "HILUM", 5, response_timeout_s)


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE])
def test_an_object_that_is_listed_is_found_by_all_its_keys(syntax: str) -> None:
    with querying_archive(listing(OBJECT), [syntax]) as archive:
        outcome = is_held(peer_at(archive.port), STUDY, SERIES, OBJECT)
    assert outcome.queried is Queried.ANSWERED and len(outcome.answers) == 1
    (keys,) = archive.queries
    assert [str(element.value) for element in keys] == [OBJECT, "IMAGE", STUDY, SERIES]


def test_one_that_is_not_listed_is_not_found() -> None:
    with querying_archive(listing("2.25.2")) as archive:
        outcome = is_held(peer_at(archive.port), STUDY, SERIES, OBJECT)
    assert outcome.queried is Queried.ANSWERED and outcome.answers == ()


def others(keys: Dataset) -> Answers:
    for number in range(3):
        yield 0xFF01, one(keys, SOPInstanceUID=f"2.25.{number}")


def without_uid(keys: Dataset) -> Answers:
    ds = one(keys)
    del ds.SOPInstanceUID
    yield 0xFF00, ds


@pytest.mark.parametrize(("answer", "found"), [(others, 1), (without_uid, 0)])
def test_answers_count_that_name_the_object(answer: Callable[[Dataset], Answers], found: int) -> None:
    with querying_archive(answer) as archive:
        assert len(is_held(peer_at(archive.port), STUDY, SERIES, OBJECT).answers) == found


def test_no_more_answers_are_read_than_were_asked_for() -> None:
    def play(connection: socket.socket) -> None:
        accept_all(connection)
        for _ in range(2):
            read_pdu(connection)
        connection.sendall(20 * (response(0xFF00) + p_data(2, b"")) + SUCCESS)
        connection.recv(1000)

    with scripted_peer(play) as port:
        outcome = find(peer_at(port), KEYS, 7, 60)
    assert len(outcome.answers) == 7 and not outcome.is_whole


@pytest.mark.parametrize(("status", "words"), [(0xA700, "no resources"), (0xA900, "understand"), (0xC123, "not know")])
def test_a_query_that_is_refused_is_no_answer(status: int, words: str) -> None:
    def refuse(_: Dataset) -> Answers:
        yield status, None

    with querying_archive(refuse) as archive:
        outcome = is_held(peer_at(archive.port), STUDY, SERIES, OBJECT)
    assert outcome.queried is Queried.FAILED and words in outcome.message and f"0x{status:04X}" in outcome.message


def test_an_archive_without_queries_says_so() -> None:
    with scripted_archive() as archive:
        outcome = is_held(peer_at(archive.port), STUDY, SERIES, OBJECT)
    assert outcome.queried is Queried.NOT_OFFERED


def test_one_that_cannot_be_reached_is_not_asked() -> None:
    outcome = is_held(peer_at(free_port()), STUDY, SERIES, OBJECT)
    assert outcome.queried is Queried.FAILED and "nothing listens" in outcome.message


def p_data(control: int, fragment: bytes) -> bytes:
    return struct.pack(">BxLLBB", 0x04, len(fragment) + 6, len(fragment) + 2, 1, control) + fragment


def response(status: int, *, has_data_set: bool = True, message_id: int = 1, field: int = cs.C_FIND_RSP) -> bytes:
    command: dict[int, int | str] = {
        cs.COMMAND_FIELD: field,
        cs.MESSAGE_ID_BEING_RESPONDED_TO: message_id,
        cs.COMMAND_DATA_SET_TYPE: cs.DATA_SET if has_data_set else cs.NO_DATA_SET,
        cs.STATUS: status,
    }
    return p_data(3, cs.encode_command(command))


SUCCESS = response(0x0000, has_data_set=False)
BYTES = {
    "silence": b"",
    "half a PDU": SUCCESS[:20],
    "an abort": b"\x07\x00\x00\x00\x00\x04\x00\x00\x00\x00",
    "a match that is no data set": response(0xFF00) + p_data(2, b"\x08\x00\x18\x00UI\xff\xff1.2") + SUCCESS,
    "a match longer than any is": response(0xFF00) + p_data(2, b"\0" * 70_000) + SUCCESS,
    "a match without its data set": response(0xFF00) + SUCCESS,
    "an answer to another message": response(0x0000, has_data_set=False, message_id=9),
    "an answer to C-STORE": response(0x0000, has_data_set=False, field=cs.C_STORE_RSP),
    "no DICOM": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_answer_prove_nothing(name: str) -> None:
    def play(connection: socket.socket) -> None:
        accept_all(connection)
        for _ in range(2):  # command and identifier
            read_pdu(connection)
        connection.sendall(BYTES[name])
        connection.recv(1000)

    with scripted_peer(play) as port:
        outcome = is_held(peer_at(port, response_timeout_s=0.5), STUDY, SERIES, OBJECT)
    assert not outcome.answers and (outcome.message or outcome.queried is Queried.ANSWERED)


def test_answers_that_trickle_in_come_to_an_end() -> None:
    def play(connection: socket.socket) -> None:
        accept_all(connection)
        for _ in range(2):
            read_pdu(connection)
        connection.settimeout(0.1)
        for _ in range(600):
            connection.sendall(response(0xFF00) + p_data(2, b""))
            try:
                if not connection.recv(1000):
                    return
            except TimeoutError:
                pass

    with scripted_peer(play) as port:
        outcome = find(peer_at(port), KEYS, 600, 0.5)
    assert outcome.queried is Queried.FAILED and "did not end" in outcome.message
