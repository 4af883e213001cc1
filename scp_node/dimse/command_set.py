"""Command sets of DIMSE messages as bytes: group 0000, Implicit VR Little Endian (PS3.7 6.3.1)."""

from __future__ import annotations

import struct
from collections.abc import Mapping

# Elements of group 0000 that the messages of a node use (PS3.7 E.1).
GROUP_LENGTH = 0x0000
AFFECTED_SOP_CLASS_UID = 0x0002
REQUESTED_SOP_CLASS_UID = 0x0003
COMMAND_FIELD = 0x0100
MESSAGE_ID = 0x0110
MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
MOVE_DESTINATION = 0x0600
PRIORITY = 0x0700
COMMAND_DATA_SET_TYPE = 0x0800
STATUS = 0x0900
ERROR_COMMENT = 0x0902
AFFECTED_SOP_INSTANCE_UID = 0x1000
REQUESTED_SOP_INSTANCE_UID = 0x1001
EVENT_TYPE_ID = 0x1002
ACTION_TYPE_ID = 0x1008

C_STORE_RQ, C_STORE_RSP = 0x0001, 0x8001
C_FIND_RQ, C_FIND_RSP = 0x0020, 0x8020
C_MOVE_RQ, C_MOVE_RSP = 0x0021, 0x8021
C_CANCEL_RQ = 0x0FFF
C_ECHO_RQ, C_ECHO_RSP = 0x0030, 0x8030
N_EVENT_REPORT_RQ, N_EVENT_REPORT_RSP = 0x0100, 0x8100
N_ACTION_RQ, N_ACTION_RSP = 0x0130, 0x8130
NO_DATA_SET, DATA_SET = 0x0101, 0x0001
PRIORITY_MEDIUM = 0x0000
SUCCESS = 0x0000
# A response that others follow (PS3.7 C.1.5).
PENDING = (0xFF00, 0xFF01)
ERROR_COMMENT_CHARACTERS_MAX = 64

_UIDS = {
    *(AFFECTED_SOP_CLASS_UID, AFFECTED_SOP_INSTANCE_UID),
    *(REQUESTED_SOP_CLASS_UID, REQUESTED_SOP_INSTANCE_UID),
}


def encode_command(elements: Mapping[int, int | str]) -> bytes:
    """Bytes of a command set: numbers as US, strings padded to even length, in order of tags, group length first."""
    body = b"".join(_element(number, elements[number]) for number in sorted(elements))
    return struct.pack("<HHLL", 0, GROUP_LENGTH, 4, len(body)) + body


def decode_command(data: bytes) -> dict[int, bytes]:
    """Value bytes by element number. Raises ValueError when `data` is no command set."""
    elements: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        if position + 8 > len(data):
            raise ValueError("the command set ends within an element")
        group, number, length = struct.unpack_from("<HHL", data, position)
        position += 8
        if group != 0 or position + length > len(data):
            raise ValueError("the command set holds an element of another group or with a wrong length")
        elements[number] = data[position : position + length]
        position += length
    return elements


def number_of(elements: Mapping[int, bytes], number: int) -> int | None:
    """Value of an element of VR US, or None when it is absent or not two bytes long."""
    value = elements.get(number, b"")
    return int.from_bytes(value, "little") if len(value) == 2 else None


def text_of(elements: Mapping[int, bytes], number: int) -> str:
    """Value of a text element, printable on one line whatever the peer wrote."""
    text = elements.get(number, b"").decode("ascii", "replace").strip(" \0")
    return "".join(character if character.isprintable() else "?" for character in text)


def _element(number: int, value: int | str) -> bytes:
    if isinstance(value, int):
        encoded = struct.pack("<H", value)
    else:
        encoded = value.encode("ascii")
        if len(encoded) % 2:
            encoded += b"\0" if number in _UIDS else b" "
    return struct.pack("<HHL", 0, number, len(encoded)) + encoded
