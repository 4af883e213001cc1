"""Command sets as the node receives and answers them (PS3.7 6.3.1, 9.3.1, 9.3.5, 10.3.1): Implicit VR Little Endian."""

from __future__ import annotations

from dataclasses import dataclass

from scp_node.dimse import command_set as cs
from scp_node.dimse.uids import is_uid_as_sent

COMMAND_BYTES_MAX = 16 * 1024
_RESPONSE = 0x8000


class MalformedCommand(ValueError):
    """The bytes are no command set, or lack an element that every request has."""


@dataclass(frozen=True)
class Command:
    """A request of a peer; UIDs as they came, valid or not."""

    field: int
    message_id: int
    has_data_set: bool
    sop_class_uid: str
    sop_instance_uid: str
    event_type: int | None = None

    @property
    def is_request(self) -> bool:
        """Whether it asks for something, rather than answers what nobody asked."""
        return not self.field & _RESPONSE

    @property
    def expects_answer(self) -> bool:
        """A C-CANCEL has no response (PS3.7 9.3.2.3)."""
        return self.field != cs.C_CANCEL_RQ


@dataclass(frozen=True)
class Answer:
    """Status of a response, and its Error Comment, which tells whoever asked why it was refused."""

    status: int
    comment: str = ""


SUCCESS = Answer(0x0000)
UNRECOGNISED_OPERATION = 0x0211


def decode_command(data: bytes | bytearray) -> Command:
    """The request in the bytes of a whole command set. Raises MalformedCommand."""
    try:
        elements = cs.decode_command(bytes(data))
    except ValueError as error:
        raise MalformedCommand(str(error)) from error
    field = _number(elements, cs.COMMAND_FIELD)
    return Command(
        field=field,
        message_id=_number(elements, cs.MESSAGE_ID if field != cs.C_CANCEL_RQ else cs.MESSAGE_ID_BEING_RESPONDED_TO),
        has_data_set=_number(elements, cs.COMMAND_DATA_SET_TYPE) != cs.NO_DATA_SET,
        sop_class_uid=_uid(elements, cs.AFFECTED_SOP_CLASS_UID),
        sop_instance_uid=_uid(elements, cs.AFFECTED_SOP_INSTANCE_UID),
        event_type=cs.number_of(elements, cs.EVENT_TYPE_ID),
    )


def encode_response(request: Command, answer: Answer) -> bytes:
    """The command set that answers `request`; what is no UID is not repeated."""
    elements: dict[int, int | str] = {
        cs.COMMAND_FIELD: request.field | _RESPONSE,
        cs.MESSAGE_ID_BEING_RESPONDED_TO: request.message_id,
        cs.COMMAND_DATA_SET_TYPE: cs.NO_DATA_SET,
        cs.STATUS: answer.status,
    }
    for number, uid in (
        (cs.AFFECTED_SOP_CLASS_UID, request.sop_class_uid),
        (cs.AFFECTED_SOP_INSTANCE_UID, request.sop_instance_uid),
    ):
        if is_uid_as_sent(uid):
            elements[number] = uid
    if answer.comment:
        comment = answer.comment[: cs.ERROR_COMMENT_CHARACTERS_MAX]
        elements[cs.ERROR_COMMENT] = comment.encode("ascii", "replace").decode("ascii")
    return cs.encode_command(elements)


def _number(elements: dict[int, bytes], number: int) -> int:
    value = cs.number_of(elements, number)
    if value is None:
        raise MalformedCommand(f"command set without (0000,{number:04X})")
    return value


def _uid(elements: dict[int, bytes], number: int) -> str:
    return elements.get(number, b"").decode("ascii", "replace").strip("\0 ")
