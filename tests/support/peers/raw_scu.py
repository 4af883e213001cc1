"""A sender made of a socket and structs: it can break every rule that a library would keep."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

VERIFICATION = "1.2.840.10008.1.1"
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
IMPLICIT_LE, EXPLICIT_LE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RP, ABORT = 0x02, 0x03, 0x04, 0x06, 0x07
COMMAND_LAST, DATA, DATA_LAST = 0x03, 0x00, 0x02
C_STORE_RQ, C_ECHO_RQ = 0x0001, 0x0030


@dataclass(frozen=True)
class Response:
    """A response of the node: its command field, status and Error Comment."""

    field: int
    status: int
    comment: str
    elements: dict[int, bytes]


class RawPeer:
    """One connection. Nothing is checked on the way out; reading ends with ConnectionError when the peer closes."""

    def __init__(self, port: int, timeout_s: float = 20.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.accepted: dict[int, str] = {}
        self.pdu_bytes_max = 16384

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def associate(
        self,
        contexts: Sequence[tuple[str, str]] = ((VERIFICATION, IMPLICIT_LE),),
        called: str = "HILUM",
        calling: str = "MODALITY",
        application_context: str = APPLICATION_CONTEXT,
        pdu_bytes_max: int = 16384,
    ) -> tuple[int, bytes]:
        """Ask for an association with contexts 1, 3, 5...; type and body of the answer."""
        self.send(associate_request(contexts, called, calling, application_context, pdu_bytes_max))
        pdu_type, body = self.read_pdu()
        if pdu_type == ASSOCIATE_AC:
            self.take_accept(body)
        return pdu_type, body

    def read_pdu(self) -> tuple[int, bytes]:
        pdu_type, length = struct.unpack(">BxL", self._read(6))
        return pdu_type, self._read(length)

    def read_response(self) -> Response:
        command, is_last = b"", False
        while not is_last:
            pdu_type, body = self.read_pdu()
            assert pdu_type == P_DATA, f"PDU of type {pdu_type} instead of a response"
            position = 0
            while position < len(body):
                length, _, control = struct.unpack_from(">LBB", body, position)
                assert control & 1
                command += body[position + 6 : position + 4 + length]
                is_last = bool(control & 2)
                position += 4 + length
        elements = command_elements(command)
        return Response(
            field=int.from_bytes(elements[0x0100], "little"),
            status=int.from_bytes(elements[0x0900], "little"),
            comment=elements.get(0x0902, b"").decode("ascii").strip(),
            elements=elements,
        )

    def send_data_set(self, context_id: int, data: bytes, step: int | None = None, pause_s: float = 0) -> None:
        """The data set in PDUs with one PDV each, as large as the node takes them, and with pauses between."""
        step = step or self.pdu_bytes_max - 6
        for start in range(0, max(len(data), 1), step):
            control = DATA_LAST if start + step >= len(data) else DATA
            self.send(p_data(pdv(context_id, control, data[start : start + step])))
            if pause_s and control == DATA:
                time.sleep(pause_s)

    def store(
        self,
        data: bytes,
        sop_class: str,
        sop_instance: str,
        context_id: int = 1,
        message_id: int = 1,
        step: int | None = None,
    ) -> Response:
        self.send(p_data(pdv(context_id, COMMAND_LAST, store_command(sop_class, sop_instance, message_id))))
        self.send_data_set(context_id, data, step)
        return self.read_response()

    def echo(self, context_id: int = 1) -> Response:
        self.send(p_data(pdv(context_id, COMMAND_LAST, echo_command())))
        return self.read_response()

    def release(self) -> None:
        self.send(struct.pack(">BxLL", 0x05, 4, 0))
        pdu_type, _ = self.read_pdu()
        assert pdu_type == RELEASE_RP

    def is_aborted(self) -> bool:
        """Whether an A-ABORT comes, then the end of the connection once this side has closed its half."""
        pdu_type, _ = self.read_pdu()
        return pdu_type == ABORT

    def is_closed(self) -> bool:
        """Whether the node ended the connection without a further PDU."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def take_accept(self, body: bytes) -> None:
        position = 68
        while position + 4 <= len(body):
            item, length = struct.unpack_from(">BxH", body, position)
            content = body[position + 4 : position + 4 + length]
            if item == 0x21 and content[2] == 0:
                self.accepted[content[0]] = content[8:].decode().rstrip("\0")
            if item == 0x50 and content[0] == 0x51:
                self.pdu_bytes_max = struct.unpack_from(">L", content, 4)[0]
            position += 4 + length

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            chunk = self._receive(count - len(data))
            if not chunk:
                raise ConnectionError("closed by the node")
            data += chunk
        return data

    def _receive(self, most: int) -> bytes:
        return self.socket.recv(most)


def associate_request(
    contexts: Sequence[tuple[str, str]],
    called: str,
    calling: str,
    application_context: str = APPLICATION_CONTEXT,
    pdu_bytes_max: int = 16384,
) -> bytes:
    items = request_item(0x10, application_context.encode())
    for index, (abstract, transfer) in enumerate(contexts):
        names = request_item(0x30, abstract.encode()) + request_item(0x40, transfer.encode())
        items += request_item(0x20, bytes((2 * index + 1, 0, 0, 0)) + names)
    user = (
        request_item(0x51, struct.pack(">L", pdu_bytes_max))
        + request_item(0x52, b"1.2.3.4.5")
        + request_item(0x55, b"RAWPEER")
    )
    items += request_item(0x50, user)
    titles = called.ljust(16).encode("latin-1") + calling.ljust(16).encode("latin-1")
    body = struct.pack(">HH", 1, 0) + titles + bytes(32) + items
    return struct.pack(">BxL", 0x01, len(body)) + body


def p_data(*pdvs: bytes) -> bytes:
    body = b"".join(pdvs)
    return struct.pack(">BxL", P_DATA, len(body)) + body


def pdv(context_id: int, control: int, data: bytes) -> bytes:
    return struct.pack(">LBB", len(data) + 2, context_id, control) + data


def command_set(elements: dict[int, bytes]) -> bytes:
    body = b"".join(struct.pack("<HHL", 0, number, len(value)) + value for number, value in sorted(elements.items()))
    return struct.pack("<HHLL", 0, 0, 4, len(body)) + body


def store_command(sop_class: str, sop_instance: str, message_id: int = 1, data_set_type: int = 1) -> bytes:
    return command_set(
        {
            0x0002: _even(sop_class),
            0x0100: struct.pack("<H", C_STORE_RQ),
            0x0110: struct.pack("<H", message_id),
            0x0700: struct.pack("<H", 0),
            0x0800: struct.pack("<H", data_set_type),
            0x1000: _even(sop_instance),
        }
    )


def echo_command(sop_class: str = VERIFICATION) -> bytes:
    return command_set(
        {
            0x0002: _even(sop_class),
            0x0100: struct.pack("<H", C_ECHO_RQ),
            0x0110: struct.pack("<H", 1),
            0x0800: struct.pack("<H", 0x0101),
        }
    )


def command_elements(command: bytes) -> dict[int, bytes]:
    elements, position = {}, 0
    while position < len(command):
        group, number, length = struct.unpack_from("<HHL", command, position)
        assert group == 0
        elements[number] = command[position + 8 : position + 8 + length]
        position += 8 + length
    return elements


def request_item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(content)) + content


def _even(text: str) -> bytes:
    value = text.encode("latin-1")
    return value + b"\0" * (len(value) % 2)
