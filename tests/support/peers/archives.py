"""Archives with a script: one speaks DICOM and answers what it is told, the other plays bytes on a bare socket."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.events import Event
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification
from pynetdicom.sop_class import Verification

from scp_node.deliver.result_objects import RESULT_CLASSES, RESULT_SYNTAXES
from scp_node.dimse import command_set as cs

Answer = int | Dataset | Callable[[Event], int | Dataset]


@dataclass
class Archive:
    """What a scripted archive saw: the data set bytes by SOP Instance UID, and how many associations."""

    port: int = 0
    ae_title: str = "ARCHIVE"
    associations: int = 0
    released: int = 0
    received: dict[str, bytes] = field(default_factory=dict)
    syntaxes: list[str] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)


@contextmanager
def scripted_archive(
    *answers: Answer,
    classes: Sequence[str] = tuple(RESULT_CLASSES),
    syntaxes: Sequence[str] = tuple(RESULT_SYNTAXES),
    port: int = 0,
    calling_ae_titles: Sequence[str] = (),
    associations_max: int = 10,
) -> Iterator[Archive]:
    """A storage SCP that gives `answers` one after the other, the last one for ever; without answers 0x0000."""
    script = list(answers) or [0x0000]
    seen = Archive()

    def store(event: Event) -> int | Dataset:
        answer = script.pop(0) if len(script) > 1 else script[0]
        status = answer(event) if callable(answer) else answer
        seen.received[str(event.request.AffectedSOPInstanceUID)] = event.request.DataSet.getvalue()
        seen.syntaxes.append(str(event.context.transfer_syntax))
        return status

    def established(event: Event) -> None:
        seen.associations += 1
        seen.callers.append(event.assoc.requestor.ae_title.strip())

    def released(_: Event) -> None:
        seen.released += 1

    ae = AE(ae_title=seen.ae_title)
    ae.require_called_aet = True
    ae.require_calling_aet = list(calling_ae_titles)
    ae.maximum_associations = associations_max
    ae.add_supported_context(Verification)
    for sop_class in classes:
        ae.add_supported_context(sop_class, list(syntaxes))
    handlers = [(evt.EVT_C_STORE, store), (evt.EVT_ESTABLISHED, established), (evt.EVT_RELEASED, released)]
    server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    seen.port = server.server_address[1]
    try:
        yield seen
    finally:
        for association in server.active_associations:
            if association.is_established:
                association.abort()
        server.shutdown()
        server.server_close()


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
        context.transfer_syntax = context.transfer_syntax[:1]
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
