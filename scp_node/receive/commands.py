"""Command sets as the node receives and answers them (PS3.7 6.3.1, 9.3.1, 9.3.5): Implicit VR Little Endian."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from scp_node.receive.header import is_uid

COMMAND_BYTES_MAX = 16 * 1024
ERROR_COMMENT_CHARACTERS_MAX = 64

C_STORE_RQ, C_ECHO_RQ = 0x0001, 0x0030
_RESPONSE = 0x8000
_NO_DATA_SET = 0x0101
# Elements of group 0000 (PS3.7 E.1)
_GROUP_LENGTH, _AFFECTED_SOP_CLASS_UID, _COMMAND_FIELD, _MESSAGE_ID = 0x0000, 0x0002, 0x0100, 0x0110
_RESPONDED_TO, _DATA_SET_TYPE, _STATUS, _ERROR_COMMENT = 0x0120, 0x0800, 0x0900, 0x0902
_AFFECTED_SOP_INSTANCE_UID = 0x1000


class MalformedCommand(ValueError):
    """The command set is not one, or lacks what every request has."""


@dataclass(frozen=True)
class Command:
    """A request of a peer; UIDs as they came, valid or not."""

    field: int
    message_id: int
    has_data_set: bool
    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class Answer:
    """Status of a response, and for a refusal the Error Comment that tells the sender's log why."""

    status: int
    comment: str = ""


SUCCESS = Answer(0x0000)


def decode_command(data: bytes | bytearray) -> Command:
    """The request in the bytes of a whole command set. Raises MalformedCommand."""
    elements: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        if position + 8 > len(data):
            raise MalformedCommand("command set ends within an element")
        group, number, length = struct.unpack_from("<HHL", data, position)
        position += 8
        if group != 0 or position + length > len(data):
            raise MalformedCommand("command set with a foreign or overlong element")
        elements[number] = bytes(data[position : position + length])
        position += length
    return Command(
        field=_number(elements, _COMMAND_FIELD),
        message_id=_number(elements, _MESSAGE_ID),
        has_data_set=_number(elements, _DATA_SET_TYPE) != _NO_DATA_SET,
        sop_class_uid=_uid(elements, _AFFECTED_SOP_CLASS_UID),
        sop_instance_uid=_uid(elements, _AFFECTED_SOP_INSTANCE_UID),
    )


def encode_response(request: Command, answer: Answer) -> bytes:
    """The command set that answers `request`; a UID that is none is not repeated."""
    elements = (
        [(_AFFECTED_SOP_CLASS_UID, _padded(request.sop_class_uid, b"\0"))] if is_uid(request.sop_class_uid) else []
    )
    elements += [
        (_COMMAND_FIELD, struct.pack("<H", request.field | _RESPONSE)),
        (_RESPONDED_TO, struct.pack("<H", request.message_id)),
        (_DATA_SET_TYPE, struct.pack("<H", _NO_DATA_SET)),
        (_STATUS, struct.pack("<H", answer.status)),
    ]
    if answer.comment:
        elements.append((_ERROR_COMMENT, _padded(answer.comment[:ERROR_COMMENT_CHARACTERS_MAX], b" ")))
    if is_uid(request.sop_instance_uid):
        elements.append((_AFFECTED_SOP_INSTANCE_UID, _padded(request.sop_instance_uid, b"\0")))
    body = b"".join(struct.pack("<HHL", 0, number, len(value)) + value for number, value in elements)
    return struct.pack("<HHLL", 0, _GROUP_LENGTH, 4, len(body)) + body


def _number(elements: dict[int, bytes], number: int) -> int:
    value = elements.get(number, b"")
    if len(value) != 2:
        raise MalformedCommand(f"command set without (0000,{number:04X})")
    return int.from_bytes(value, "little")


def _uid(elements: dict[int, bytes], number: int) -> str:
    return elements.get(number, b"").decode("ascii", "replace").rstrip("\0 ")


def _padded(text: str, padding: bytes) -> bytes:
    value = text.encode("ascii", "replace")
    return value + padding if len(value) % 2 else value
