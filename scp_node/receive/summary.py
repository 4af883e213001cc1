"""What an association came to: the one line that the log has of it."""

from __future__ import annotations

import logging
import time

from scp_node.dimse.requests import SUCCESS, Answer
from scp_node.intake.store import Requestor
from scp_node.telemetry.printable import printable

log = logging.getLogger(__name__)


class AssociationSummary:
    """Counts messages, and notes why the association ended."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._outcome = ""
        self._messages = self._refused = self._bytes = 0

    def ends(self, outcome: str) -> None:
        """Note why it ends; the first reason counts."""
        self._outcome = self._outcome or outcome

    def answered(self, answer: Answer, data_set_bytes: int) -> None:
        """A message was answered."""
        self._messages += 1
        self._refused += answer.status != SUCCESS.status
        self._bytes += data_set_bytes

    def write(self, sender: Requestor, address: str, tls_version: str) -> None:
        log.log(
            logging.INFO if self._outcome else logging.DEBUG,
            "association ended",
            extra={
                "source": sender.source,
                "calling_ae_title": printable(sender.calling_ae_title),
                "called_ae_title": printable(sender.called_ae_title),
                "address": address,
                "tls": tls_version or "off",
                "outcome": self._outcome or "connection closed without association",
                "messages": self._messages,
                "refused": self._refused,
                "bytes": self._bytes,
                "took_s": round(time.monotonic() - self._began, 3),
            },
        )
