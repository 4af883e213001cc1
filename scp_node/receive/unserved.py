"""What comes on one association and is not served: answered or ignored, but only so often."""

from __future__ import annotations

from scp_node.dimse.pdus import PDV_HEADER
from scp_node.dimse.requests import UNRECOGNISED_OPERATION, Answer
from scp_node.receive.message import IncomingMessage
from scp_node.receive.pdu_stream import Fragment, InvalidPdu

MESSAGES_MAX = 16


class Unserved:
    """Counts messages, and drops data sets of messages that were answered by their command alone."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = self._bytes_left = bytes_max
        self._messages = 0
        self._context_id: int | None = None

    def note(self, message: IncomingMessage, answer: Answer) -> None:
        """A message was answered. Raises InvalidPdu when too many were none that the node serves."""
        if message.leaves_data_set:
            self._context_id = message.context_id
        if answer.status == UNRECOGNISED_OPERATION:
            self._messages += 1
            if self._messages > MESSAGES_MAX:
                raise InvalidPdu(f"more than {MESSAGES_MAX} messages that are not served")

    def drops(self, fragment: Fragment) -> bool:
        """Whether this fragment is of a data set for nobody. Raises InvalidPdu when that is too long."""
        if self._context_id is None:
            return False
        if fragment.is_command or fragment.context_id != self._context_id:
            self._context_id = None
            return False
        self._bytes_left -= fragment.bytes + fragment.pdvs * PDV_HEADER.size
        if self._bytes_left < 0:
            raise InvalidPdu(f"instance_bytes_max: data sets for nobody of more than {self._bytes_max} bytes")
        if fragment.is_last:
            self._context_id = None
        return True
