"""One N-EVENT-REPORT on storage commitment as it comes in: held in memory, bounded, then given to the book."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from scp_node.dimse.requests import SUCCESS, Answer, Command
from scp_node.dimse.storage_commitment import REPORT_BYTES_MAX, UNKNOWN_TRANSACTION, EventReport, Reply
from scp_node.dimse.uids import COMMITMENT_INSTANCE
from scp_node.intake.store import Context, Requestor
from scp_node.telemetry.printable import printable

log = logging.getLogger(__name__)
TOO_LONG = Answer(0x0213, f"a report of more than {REPORT_BYTES_MAX} bytes")
NO_DATA_SET = Answer(0x0115, "the command announces no data set")
FAILED = Answer(0x0110, "the report could not be entered, send it again")


class ReportBook(Protocol):
    """Where reports are entered."""

    def take(self, event: EventReport) -> Reply: ...


class NoRequests:
    """The book of a receiver whose node asks nobody for commitment."""

    def take(self, event: EventReport) -> Reply:
        return UNKNOWN_TRANSACTION


class IncomingReport:
    """One report on its way from the network into the ledger."""

    def __init__(self, book: ReportBook, sender: Requestor, context: Context, command: Command) -> None:
        self._book, self._sender, self._context, self._command = book, sender, context, command
        self._data = bytearray()
        self.bytes = 0

    def write(self, pieces: Sequence[memoryview]) -> None:
        """Take the next bytes of the data set; of one that is too long nothing is kept."""
        self.bytes += sum(map(len, pieces))
        if self.bytes > REPORT_BYTES_MAX:
            self._data.clear()
            return
        for piece in pieces:
            self._data += piece

    def finish(self) -> Answer:
        answer = self._answer()
        log.log(
            logging.INFO if answer == SUCCESS else logging.WARNING,
            "commitment report",
            extra={
                "calling_ae_title": printable(self._sender.calling_ae_title),
                "bytes": self.bytes,
                "status": f"0x{answer.status:04X}",
                "reason": answer.comment,
            },
        )
        return answer

    def discard(self) -> None:
        """Leave nothing behind of a report that was not entered."""
        self._data.clear()

    def _answer(self) -> Answer:
        if not self._command.has_data_set:
            return NO_DATA_SET
        if self.bytes > REPORT_BYTES_MAX:
            return TOO_LONG
        event = EventReport(
            ae_title=self._sender.calling_ae_title,
            # where the archive leaves them out, the presentation context says them (PS3.4 J.3.5)
            sop_class_uid=self._command.sop_class_uid or self._context.abstract_syntax,
            sop_instance_uid=self._command.sop_instance_uid or COMMITMENT_INSTANCE,
            event_type=self._command.event_type,
            data=bytes(self._data),
            transfer_syntax_uid=self._context.transfer_syntax,
        )
        try:
            reply = self._book.take(event)
        except Exception as error:
            log.error("commitment report not entered", exc_info=error)
            return FAILED
        return Answer(reply.status, reply.comment)
