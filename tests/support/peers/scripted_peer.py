"""Peers of a test that play bytes on a bare socket, and the PDUs that they play."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification

from scp_node.dimse import command_set as cs


@contextmanager
def scripted_peer(play: Callable[[socket.socket], None]) -> Iterator[int]:
    """A listener on a free port that hands every connection to `play` in a thread of its own; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threads.append(threading.Thread(target=_play, args=(play, connection), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(10)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in threads:
            thread.join(10)


def _play(play: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with suppress(OSError, EOFError):
        try:
            play(connection)
        finally:
            connection.shutdown(socket.SHUT_RDWR)


def read_pdu(connection: socket.socket) -> bytes:
    """One whole PDU; EOFError when the connection ends."""
    header = _read(connection, 6)
    return header + _read(connection, int.from_bytes(header[2:], "big"))


def _read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data


def accept_all(connection: socket.socket) -> None:
    """Answer an A-ASSOCIATE-RQ by accepting every proposed context."""
    connection.sendall(accepting(read_pdu(connection)))


def accepting(request: bytes, pdu_bytes_max: int = 16384) -> bytes:
    """The A-ASSOCIATE-AC that accepts every context of `request` in its first transfer syntax."""
    asked = A_ASSOCIATE_RQ()
    asked.decode(request)
    proposal = asked.to_primitive()
    answer = A_ASSOCIATE()
    answer.application_context_name = proposal.application_context_name
    answer.calling_ae_title, answer.called_ae_title = proposal.calling_ae_title, proposal.called_ae_title
    answer.result, answer.result_source = 0x00, 0x01
    contexts = proposal.presentation_context_definition_list
    for context in contexts:
        context.result = 0x00
        context.transfer_syntax = list(context.transfer_syntax[:1])
    answer.presentation_context_definition_results_list = contexts
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = pdu_bytes_max
    implementation.implementation_class_uid = "1.2.3"
    answer.user_information = [length, implementation]
    pdu = A_ASSOCIATE_AC()
    pdu.from_primitive(answer)
    return pdu.encode()


def take_store(connection: socket.socket) -> tuple[int, int]:
    """Read one C-STORE-RQ with its data set; its presentation context id and message id."""
    message_id = 0
    while True:
        pdu = read_pdu(connection)
        if pdu[0] != 0x04:
            raise EOFError
        context_id, control, fragment = pdu[10], pdu[11], pdu[12:]
        if control & 1:
            message_id = cs.number_of(cs.decode_command(fragment), cs.MESSAGE_ID) or 0
        elif control & 2:
            return context_id, message_id


def store_response(context_id: int, message_id: int, status: int = 0x0000) -> bytes:
    """The P-DATA-TF with a C-STORE-RSP."""
    command: dict[int, int | str] = {
        cs.COMMAND_FIELD: cs.C_STORE_RSP,
        cs.MESSAGE_ID_BEING_RESPONDED_TO: message_id,
        cs.COMMAND_DATA_SET_TYPE: cs.NO_DATA_SET,
        cs.STATUS: status,
    }
    fragment = cs.encode_command(command)
    return struct.pack(">BxLLBB", 0x04, len(fragment) + 6, len(fragment) + 2, context_id, 0x03) + fragment
