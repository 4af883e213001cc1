"""One message of a peer that we called, put together from its fragments (PS3.8 E.2), and what a response says."""

from __future__ import annotations

from dataclasses import dataclass

from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse import command_set as cs
from scp_node.dimse import pdus
from scp_node.dimse.requests import Answer

COMMAND_BYTES_MAX = 64 * 1024
# Of data sets that we receive: reports on storage commitment, and answers to queries.
DATA_SET_BYTES_MAX = 64 * 1024
_RESPONSE = 0x8000


@dataclass(frozen=True)
class DimseMessage:
    """A message of the peer: its command set by element number, and the data set if it has one."""

    context_id: int
    elements: dict[int, bytes]
    data_set: bytes = b""

    def answers(self, command_field: int, message_id: int) -> Answer:
        """What it says as the response to the only request that is open, which was `message_id`; it need not repeat
        that number (PS3.7 9.3.1.2), but may not name another. Raises PeerFault where it is no such response."""
        named = cs.number_of(self.elements, cs.MESSAGE_ID_BEING_RESPONDED_TO)
        if cs.number_of(self.elements, cs.COMMAND_FIELD) != command_field or named not in (None, message_id):
            raise PeerFault("protocol-error", "a response to another message")
        status = cs.number_of(self.elements, cs.STATUS)
        if status is None:
            raise PeerFault("protocol-error", "a response without status")
        return Answer(status, cs.text_of(self.elements, cs.ERROR_COMMENT))


class IncomingFragments:
    """Takes fragments until `message` is there.

    A final response is complete with its command set: archives say that a data set follows where none does, and the
    other way round. A data set that does follow is the first thing the next reader meets, and is dropped. A response
    that is pending is one of the answers to a query, and has one.
    """

    def __init__(self) -> None:
        self.message: DimseMessage | None = None
        self._context_id: int | None = None
        self._command, self._data_set = bytearray(), bytearray()
        self._elements: dict[int, bytes] = {}

    def take(self, context_id: int, control: int, fragment: bytes) -> None:
        """The next fragment. Raises PeerFault where it cannot be one."""
        is_command, is_last = bool(control & pdus.COMMAND), bool(control & pdus.LAST)
        is_for_nobody = not is_command and (self.message is not None or self._context_id is None)
        if not is_for_nobody:
            is_out_of_order = self.message is not None or is_command == bool(self._elements)
            if is_out_of_order or context_id != (self._context_id or context_id):
                raise PeerFault("protocol-error", "a fragment that belongs to no message")
            self._context_id = context_id
        part, limit = (self._command, COMMAND_BYTES_MAX) if is_command else (self._data_set, DATA_SET_BYTES_MAX)
        part += fragment
        if len(part) > limit:
            raise PeerFault("protocol-error", "a message longer than any message is")
        if is_last and not is_for_nobody:
            self._end_part(is_command)
        elif is_last:
            self._data_set.clear()

    def _end_part(self, is_command: bool) -> None:
        assert self._context_id is not None
        if is_command:
            try:
                self._elements = cs.decode_command(bytes(self._command))
            except ValueError as error:
                raise PeerFault("protocol-error", str(error)) from error
            self._data_set.clear()
            is_response = (cs.number_of(self._elements, cs.COMMAND_FIELD) or 0) & _RESPONSE
            is_final = is_response and cs.number_of(self._elements, cs.STATUS) not in cs.PENDING
            if not is_final and cs.number_of(self._elements, cs.COMMAND_DATA_SET_TYPE) != cs.NO_DATA_SET:
                return
        self.message = DimseMessage(self._context_id, self._elements, bytes(self._data_set))
