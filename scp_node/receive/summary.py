"""What an association came to, counted while it lives."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from scp_node.dimse.command_set import C_STORE_RQ
from scp_node.dimse.requests import SUCCESS, Answer, Command
from scp_node.intake.store import Requestor
from scp_node.telemetry.printable import printable


@dataclass(frozen=True)
class Ending:
    """An association, or a connection without one, that has ended. AE titles are printable.

    trouble: why it did not come to what it was made for; "" where it did. contexts: those that were refused, in words.
    level: that of its line in the log.
    """

    source: str
    calling_ae_title: str
    called_ae_title: str
    address: str
    tls: str
    outcome: str
    is_associated: bool
    contexts: tuple[str, ...]
    messages: int
    refused: int
    bytes: int
    took_s: float
    stored: int
    objects_refused: int
    last_refusal: str
    level: int

    @property
    def trouble(self) -> str:
        if not self.is_associated:
            return self.outcome
        return "; ".join(self.contexts) if not self.messages else ""

    def fields(self) -> dict[str, Any]:
        """The fields of its line in the log."""
        told = ("source", "calling_ae_title", "called_ae_title", "address", "tls", "outcome")
        counted = ("messages", "refused", "bytes", "took_s")
        fields = {name: getattr(self, name) for name in (*told, *counted)}
        return fields | ({"contexts_refused": "; ".join(self.contexts)} if self.contexts else {})


class AssociationSummary:
    """Counts messages, and notes why the association ended."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._outcome, self._level = "", logging.WARNING
        self._contexts: tuple[str, ...] | None = None
        self._messages = self._refused = self._bytes = 0
        self._stored = self._objects_refused = 0
        self._last_refusal = ""

    def ends(self, outcome: str, level: int = logging.WARNING) -> None:
        """Note why it ends; the first reason counts. `level` is that of its line if there was no association."""
        if not self._outcome:
            self._outcome, self._level = outcome, level

    def associated(self, refused_contexts: tuple[str, ...]) -> None:
        """The association is established."""
        self._contexts = refused_contexts

    def answered(self, command: Command, answer: Answer, data_set_bytes: int) -> None:
        """A message was answered."""
        is_refused = answer.status != SUCCESS.status
        self._messages += 1
        self._refused += is_refused
        self._bytes += data_set_bytes
        if command.field == C_STORE_RQ:
            self._stored += not is_refused
            self._objects_refused += is_refused
            if is_refused:
                self._last_refusal = f"0x{answer.status:04X} {answer.comment}".rstrip()

    def ending(self, sender: Requestor, address: str, tls_version: str) -> Ending:
        """All of it, at the end."""
        is_associated = self._contexts is not None
        is_useless = not is_associated or bool(self._contexts and not self._messages)
        return Ending(
            source=sender.source,
            calling_ae_title=printable(sender.calling_ae_title),
            called_ae_title=printable(sender.called_ae_title),
            address=address,
            tls=tls_version or "off",
            outcome=self._outcome or "connection closed without association",
            is_associated=is_associated,
            contexts=self._contexts or (),
            messages=self._messages,
            refused=self._refused,
            bytes=self._bytes,
            took_s=round(time.monotonic() - self._began, 3),
            stored=self._stored,
            objects_refused=self._objects_refused,
            last_refusal=self._last_refusal,
            level=logging.DEBUG if not self._outcome else self._level if is_useless else logging.INFO,
        )
