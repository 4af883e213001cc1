"""One DIMSE message under way: its fragments become a command set and, where it has one, a data set (PS3.8 E.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from scp_node.dimse.requests import COMMAND_BYTES_MAX, Answer, Command, MalformedCommand, decode_command
from scp_node.receive.pdu_stream import Fragment, InvalidPdu

EMPTY_PDVS_MAX = 16


class DataSetSink(Protocol):
    """Takes the data set of one message, and says at its end how the message is answered."""

    def write(self, pieces: Sequence[memoryview]) -> None:
        """Take the next bytes; `pieces` are valid only now."""

    def finish(self) -> Answer:
        """The data set is complete."""

    def discard(self) -> None:
        """The message was cut short: leave nothing behind."""


class IncomingMessage:
    """A message from its first fragment on. `serve` is called with its command set; it returns what takes the data set,
    or the answer."""

    def __init__(
        self, context_id: int, serve: Callable[[Command], DataSetSink | Answer], data_set_bytes_max: int
    ) -> None:
        self.context_id = context_id
        self.command: Command | None = None
        self.data_set_bytes = 0
        self._serve, self._data_set_bytes_max = serve, data_set_bytes_max
        self._command_set = bytearray()
        self._data_set: DataSetSink | None = None
        self._pieces: list[memoryview] = []
        self._empty_pdvs = 0

    def take(self, fragment: Fragment) -> Answer | None:
        """Take the next fragment. Returns the answer once the message is complete; raises InvalidPdu when the fragment
        cannot belong to it."""
        if fragment.context_id != self.context_id:
            raise InvalidPdu("a message in two presentation contexts")
        # an empty PDV adds to no other limit
        self._empty_pdvs += max(0, fragment.pdvs - len(fragment.pieces))
        if self._empty_pdvs > EMPTY_PDVS_MAX:
            raise InvalidPdu(f"a message with more than {EMPTY_PDVS_MAX} empty fragments")
        return self._take_command(fragment) if fragment.is_command else self._take_data(fragment)

    def flush(self) -> None:
        """Write what was taken while it is still in the receive buffer."""
        if self._pieces and self._data_set is not None:
            self._data_set.write(self._pieces)
            self._pieces = []

    @property
    def leaves_data_set(self) -> bool:
        """Whether its command alone was answered, so that its data set is still on the way, for nobody."""
        return self._data_set is None and self.command is not None and self.command.has_data_set

    def discard(self) -> None:
        """The message will not be completed."""
        self._pieces = []
        if self._data_set is not None:
            self._data_set.discard()

    def _take_command(self, fragment: Fragment) -> Answer | None:
        if self.command is not None:
            raise InvalidPdu("a command within a data set")
        if len(self._command_set) + fragment.bytes > COMMAND_BYTES_MAX:
            raise InvalidPdu(f"a command set of more than {COMMAND_BYTES_MAX} bytes")
        for piece in fragment.pieces:
            self._command_set += piece
        return self._begin() if fragment.is_last else None

    def _begin(self) -> Answer | None:
        try:
            self.command = decode_command(self._command_set)
        except MalformedCommand as error:
            raise InvalidPdu(str(error)) from error
        served = self._serve(self.command)
        if isinstance(served, Answer):
            return served
        self._data_set = served
        return None if self.command.has_data_set else served.finish()

    def _take_data(self, fragment: Fragment) -> Answer | None:
        if self._data_set is None:
            raise InvalidPdu("a data set without a command")
        self._pieces += fragment.pieces
        self.data_set_bytes += fragment.bytes
        if self.data_set_bytes > self._data_set_bytes_max:
            raise InvalidPdu(f"instance_bytes_max: a data set of more than {self._data_set_bytes_max} bytes")
        if not fragment.is_last:
            return None
        self.flush()
        return self._data_set.finish()
