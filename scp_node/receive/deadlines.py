"""How long a peer may take. Has no clock and no socket: the caller says what came, and how long it waited.

Only the time in which the node waits for the peer counts. While the node writes, waits for its own disk or answers,
nothing can become overdue.
"""

from __future__ import annotations

import math

from scp_node.settings import Receiver


class Deadlines:
    """The deadlines of one association, all on a clock that runs while the peer is waited for."""

    def __init__(self, limits: Receiver) -> None:
        self._limits = limits
        self._waited_s = 0.0
        self._idle_due = self._pdu_due = self._message_due = self._half_due = math.inf
        self._bytes = 0  # of the half window that runs
        self._bytes_before: int | None = None  # of the half window before it

    # --- what happened --------------------------------------------------------------------------------------------

    def heard(self, count: int) -> None:
        """`count` bytes have come over an association."""
        self._idle_due = self._waited_s + self._limits.idle_timeout_s
        self._bytes += count

    def pdu_began(self) -> None:
        self._pdu_due = self._waited_s + self._limits.pdu_timeout_s

    def pdu_ended(self) -> None:
        self._pdu_due = math.inf

    @property
    def is_within_pdu(self) -> bool:
        return self._pdu_due < math.inf

    def message_began(self) -> None:
        self._message_due = self._waited_s + self._limits.message_timeout_s
        self._half_due = self._waited_s + self._limits.rate_window_s / 2
        self._bytes, self._bytes_before = 0, None

    def message_ended(self) -> None:
        self._message_due = self._half_due = math.inf

    # --- what follows from it -------------------------------------------------------------------------------------

    @property
    def left_s(self) -> float:
        """How long to wait at most before `overstepped` has to be asked again."""
        return min(self._idle_due, self._pdu_due, self._message_due, self._half_due) - self._waited_s

    def overstepped(self, waited_s: float) -> str:
        """The limit that the peer has overstepped after a wait of `waited_s`, in words, or nothing."""
        self._waited_s += waited_s
        limits = self._limits
        if self._waited_s >= self._pdu_due:
            return f"pdu_timeout_s: a PDU was not complete within {limits.pdu_timeout_s:g} s"
        if self._waited_s >= self._message_due:
            return f"message_timeout_s: a message was not complete within {limits.message_timeout_s:g} s"
        if self._waited_s >= self._half_due and self._is_slow():
            return f"bytes_per_s_min: less than {limits.bytes_per_s_min} bytes/s for {limits.rate_window_s:g} s"
        if self._waited_s >= self._idle_due:
            return f"idle_timeout_s: nothing came for {limits.idle_timeout_s:g} s"
        return ""

    def _is_slow(self) -> bool:
        """At the end of each half of the sliding window: whether too little came in the whole of it."""
        half_s = self._limits.rate_window_s / 2
        while self._half_due <= self._waited_s:
            before, self._bytes_before, self._bytes = self._bytes_before, self._bytes, 0
            self._half_due += half_s
            if before is not None and before + self._bytes_before < self._limits.bytes_per_s_min * 2 * half_s:
                return True
        return False
