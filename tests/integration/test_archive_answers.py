"""Answers of archives that are odd in form: what was stored there counts as sent, and no object goes there twice."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from scp_node.deliver.destinations import Destinations
from scp_node.deliver.dimse.commitment import Asked, CommitmentRequest, ask
from scp_node.deliver.dimse.peer import Peer
from scp_node.deliver.outcomes import Verdict
from scp_node.dimse.storage_commitment import ENTERED, EventReport
from scp_node.dimse.uids import COMMITMENT_INSTANCE, STORAGE_COMMITMENT
from tests.support.dicom.objects import small_file
from tests.support.node.delivering import settings_for
from tests.support.peers.raw_scu import COMMAND_LAST, DATA_LAST, command_set, p_data, pdv
from tests.support.peers.scripted_peer import accept_all, accepting, read_pdu, scripted_peer, take_store

Elements = dict[int, bytes]
DATA_SET = b"\x08\0\x16\0\0\0\0\0"


def us(value: int) -> bytes:
    return struct.pack("<H", value)


def response(message_id: int, field: int = 0x8001) -> Elements:
    return {
        0x0002: b"1.2.840.10008.5.1.4.1.1.7\0",
        0x0100: us(field),
        0x0120: us(message_id),
        0x0800: us(0x0101),
        0x0900: us(0),
        0x1000: b"1.2.3\0",
    }


def without(*numbers: int) -> Callable[[int, Elements], bytes]:
    def write(context_id: int, elements: Elements) -> bytes:
        return whole(context_id, {number: value for number, value in elements.items() if number not in numbers})

    return write


def with_values(more: Elements, *behind: bytes) -> Callable[[int, Elements], bytes]:
    """The response with other values, and `behind` it data set fragments in PDUs of their own."""

    def write(context_id: int, elements: Elements) -> bytes:
        pdus = b"".join(p_data(pdv(context_id, DATA_LAST, data)) for data in behind)
        return whole(context_id, {**elements, **more}) + pdus

    return write


def whole(context_id: int, elements: Elements) -> bytes:
    return p_data(pdv(context_id, COMMAND_LAST, command_set(elements)))


def in_pieces(context_id: int, elements: Elements) -> bytes:
    """One byte a fragment, three fragments a PDU, and an empty one at the end."""
    command = command_set(elements)
    fragments = [pdv(context_id, 1, command[at : at + 1]) for at in range(len(command))]
    fragments.append(pdv(context_id, COMMAND_LAST, b""))
    return b"".join(p_data(*fragments[at : at + 3]) for at in range(0, len(fragments), 3))


def with_data_set_in_its_pdu(context_id: int, elements: Elements) -> bytes:
    command = command_set(elements | {0x0800: us(1)})
    return p_data(pdv(context_id, COMMAND_LAST, command), pdv(context_id, DATA_LAST, DATA_SET))


def without_group_length(context_id: int, elements: Elements) -> bytes:
    return p_data(pdv(context_id, COMMAND_LAST, command_set(elements)[12:]))


FORMS: dict[str, Callable[[int, Elements], bytes]] = {
    "as it should be": whole,
    "no message id": without(0x0120),
    "empty message id": with_values({0x0120: b""}),
    "no SOP class and instance": without(0x0002, 0x1000),
    "no data set type": without(0x0800),
    "only field and status": without(0x0002, 0x0120, 0x0800, 0x1000),
    "a data set that does not come": with_values({0x0800: us(1)}),
    "a data set that was announced": with_values({0x0800: us(1)}, DATA_SET),
    "a data set that was not": with_values({}, DATA_SET),
    "a data set of nothing": with_values({0x0800: us(1)}, b""),
    "a data set in the same PDU": with_data_set_in_its_pdu,
    "in pieces": in_pieces,
    "no group length": without_group_length,
    "wrong group length": lambda number, elements: p_data(
        pdv(number, COMMAND_LAST, struct.pack("<HHLL", 0, 0, 4, 9999) + command_set(elements)[12:])
    ),
    "odd lengths": with_values({0x0002: b"1.2.840.10008.5.1.4.1.1.7", 0x1000: b"1.2.3", 0x0902: b"odd"}),
    "elements nobody knows": with_values({0x0010: b"xy", 0x5010: b"retired "}),
}
FAULTS: dict[str, Callable[[int, Elements], bytes]] = {
    "another message id": with_values({0x0120: us(999)}),
    "another command": with_values({0x0100: us(0x8030)}),
    "no command field": without(0x0100),
    "no status": without(0x0900),
    "another context": lambda number, elements: whole(number + 2, elements),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_object_that_was_stored_counts_as_sent_once(tmp_path: Path, form: str) -> None:
    """Three objects over one association: what is odd about one answer does not disturb the next."""
    stored, associations = list[int](), list[int]()

    def archive(connection: socket.socket) -> None:
        accept_all(connection)
        associations.append(1)
        while True:
            context_id, message_id = take_store(connection)
            stored.append(message_id)
            connection.sendall(FORMS[form](context_id, response(message_id)))

    with scripted_peer(archive) as port:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", port)}))
        outcomes = [destinations.send("pacs", small_file(tmp_path)) for _ in range(3)]
        destinations.close()
    assert [(one.verdict, one.code) for one in outcomes] == [(Verdict.SENT, "stored")] * 3
    assert (len(stored), len(associations)) == (3, 1)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_answer_to_the_request_waits_for_the_next_attempt(tmp_path: Path, fault: str) -> None:
    stored: list[int] = []

    def archive(connection: socket.socket) -> None:
        accept_all(connection)
        context_id, message_id = take_store(connection)
        stored.append(message_id)
        connection.sendall(FAULTS[fault](context_id, response(message_id)))
        connection.recv(1)

    with scripted_peer(archive) as port:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", port)}))
        outcome = destinations.send("pacs", small_file(tmp_path))
        destinations.close()
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "protocol-error")
    assert len(stored) == 1


def test_a_data_set_for_nobody_is_bounded(tmp_path: Path) -> None:
    def archive(connection: socket.socket) -> None:
        accept_all(connection)
        context_id, message_id = take_store(connection)
        connection.sendall(p_data(pdv(context_id, 0, bytes(16000))) * 5 + whole(context_id, response(message_id)))
        connection.recv(1)

    with scripted_peer(archive) as port:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", port)}))
        outcome = destinations.send("pacs", small_file(tmp_path))
        destinations.close()
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "protocol-error")


def asking(play: Callable[[socket.socket], None], reports: list[EventReport]) -> tuple[Asked, str]:
    """Ask an archive for commitment; how that ended."""
    with scripted_peer(play) as port:
        peer = Peer("127.0.0.1", port, "ARCHIVE", "HILUM", 5.0, 5.0)

        def take(event: EventReport) -> object:
            reports.append(event)
            return ENTERED

        request = CommitmentRequest("1.2.9", "1.2.8", "1.2.7")
        outcome = ask(peer, request, take, lambda: bool(reports), keep_open_s=0.5)  # type: ignore[arg-type]
    return outcome.asked, outcome.message


@pytest.mark.parametrize("form", FORMS)
def test_a_request_for_commitment_that_was_taken_counts(form: str) -> None:
    def archive(connection: socket.socket) -> None:
        accept_all(connection)
        context_id, message_id = take_store(connection)
        connection.sendall(FORMS[form](context_id, response(message_id, 0x8130)))
        read_pdu(connection)

    assert asking(archive, [])[0] is Asked.ACCEPTED


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "another context"])
def test_what_is_no_answer_to_the_request_for_commitment_is_a_failure(fault: str) -> None:
    def archive(connection: socket.socket) -> None:
        accept_all(connection)
        context_id, message_id = take_store(connection)
        connection.sendall(FAULTS[fault](context_id, response(message_id, 0x8130)))
        connection.recv(1)

    assert asking(archive, [])[0] is Asked.FAILED


@pytest.mark.parametrize("left_out", [(), (0x0002,), (0x1000,), (0x0110,), (0x0800,), (0x0002, 0x0110, 0x0800, 0x1000)])
def test_a_report_that_leaves_things_out_is_taken(left_out: tuple[int, ...]) -> None:
    reports, answers = list[EventReport](), list[bytes]()
    command = {0x0002: STORAGE_COMMITMENT.encode(), 0x0100: us(0x0100), 0x0110: us(7), 0x0800: us(1)}
    command |= {0x1000: COMMITMENT_INSTANCE.encode(), 0x1002: us(1)}

    def archive(connection: socket.socket) -> None:
        accept_all(connection)
        context_id, message_id = take_store(connection)
        connection.sendall(whole(context_id, response(message_id, 0x8130)))
        connection.sendall(without(*left_out)(context_id, command) + p_data(pdv(context_id, DATA_LAST, b"report")))
        answers.append(read_pdu(connection))
        read_pdu(connection)

    assert asking(archive, reports)[0] is Asked.ACCEPTED
    ((report,), (answer,)) = reports, answers
    assert (report.sop_class_uid, report.sop_instance_uid) == (STORAGE_COMMITMENT, COMMITMENT_INSTANCE)
    assert (report.event_type, report.data) == (1, b"report")
    assert us(0x8100) in answer


# --- acceptances ------------------------------------------------------------------------------------------------------


def items_of(accept: bytes) -> list[bytes]:
    position, found = 74, []
    while position < len(accept):
        end = position + 4 + struct.unpack_from(">H", accept, position + 2)[0]
        found.append(accept[position:end])
        position = end
    return found


def made_of(accept: bytes, items: list[bytes], version: int = 1) -> bytes:
    body = struct.pack(">H", version) + accept[8:74] + b"".join(items)
    return struct.pack(">BxL", 2, len(body)) + body


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def refused(context: bytes, *names: bytes) -> bytes:
    return item(0x21, context[4:6] + b"\3\0" + b"".join(names))


def wordy(user: bytes) -> bytes:
    """User information with everything that an archive has been seen to add."""
    more = [(0x55, b"A VERSION NAME OF MORE THAN 16"), (0x55, b"\0\0"), (0x52, b"not a uid"), (0x59, b"\0\0")]
    more += [(0x59, b""), (0x5F, b"?"), (0x54, b"\0\3" + b"1.2" + b"\1\1"), (0x56, b""), (0x51, b"")]
    return item(0x50, user[4:] + b"".join(item(kind, value) for kind, value in more))


ACCEPTANCES: dict[str, Callable[[bytes, list[bytes]], bytes]] = {
    "items nobody knows": lambda accept, items: made_of(accept, [one + item(0x77, b"?" * 9) for one in items]),
    "contexts in another order": lambda accept, items: made_of(accept, [*reversed(items)]),
    "contexts nobody asked for": lambda accept, items: made_of(accept, [*items, item(0x21, b"\xf1\0\0\0")]),
    "refused without transfer syntax": lambda accept, items: made_of(accept, [refused(items[1]), items[0], *items[2:]]),
    "refused with an empty one": lambda accept, items: made_of(
        accept, [items[0], refused(items[1], item(0x40, b"")), *items[2:]]
    ),
    "refused with nonsense": lambda accept, items: made_of(
        accept, [items[0], refused(items[1], item(0x40, b"\xff" * 99), item(0x77, b"")), *items[2:]]
    ),
    "accepted without a transfer syntax": lambda accept, items: made_of(
        accept, [items[0], *(item(0x21, one[4:8]) for one in items[1:-1]), items[-1]]
    ),
    "much user information": lambda accept, items: made_of(accept, [*items[:-1], wordy(items[-1])]),
    "no user information": lambda accept, items: made_of(accept, items[:-1]),
    "no application context": lambda accept, items: made_of(accept, items[1:]),
    "another protocol version": lambda accept, items: made_of(accept, items, version=0xFFFF),
    "other titles": lambda accept, items: accept[:10] + b"\xff\0" * 16 + accept[42:],
    "zeros at the end": lambda accept, items: made_of(accept, [*items, bytes(6)]),
}


@pytest.mark.parametrize("form", ACCEPTANCES)
def test_an_acceptance_that_is_odd_in_form_is_one(tmp_path: Path, form: str) -> None:
    def archive(connection: socket.socket) -> None:
        accept = accepting(read_pdu(connection))
        connection.sendall(ACCEPTANCES[form](accept, items_of(accept)))
        context_id, message_id = take_store(connection)
        connection.sendall(whole(context_id, response(message_id)))
        read_pdu(connection)

    with scripted_peer(archive) as port:
        destinations = Destinations(settings_for({"pacs": ("ARCHIVE", port)}))
        outcome = destinations.send("pacs", small_file(tmp_path))
        destinations.close()
    assert outcome.code == "stored", outcome.message
