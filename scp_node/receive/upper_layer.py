"""The upper layer of one association (PS3.8): pynetdicom's state machine, driven by the thread of the association.

pynetdicom polls in two threads an association and copies each byte about nine times. Here one thread waits for the
peer, feeds whole control PDUs to the state machine, and hands the fragments of P-DATA to the association straight from
the receive buffer. While a message is answered nothing is read, so that a peer that sends ahead fills its own buffers.

The private parts of pynetdicom this package stands on are listed, with their fingerprints, in
tests/unit/receive/test_pynetdicom_hooks.py.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_RQ, A_RELEASE_RQ
from pynetdicom.timer import Timer

from scp_node.receive import pdu_stream as pdus
from scp_node.receive.pdu_stream import ControlPdu, Fragment, InvalidPdu, PduStream
from scp_node.receive.peer_socket import PeerSocket

if TYPE_CHECKING:
    from scp_node.receive.association import ReceivingAssociation

# How often a waiting association looks whether the node stops.
TICK_S = 0.25
_PDV_OVERHEAD = 6
_COMMAND_FRAGMENT, _LAST = 0x01, 0x02
_ESTABLISHED, _AWAITING_CLOSE = "Sta6", "Sta13"
_INVALID_PDU, _P_DATA_RECEIVED, _ARTIM_EXPIRED, _CONNECTION_CLOSED = "Evt19", "Evt10", "Evt18", "Evt17"
# Event of each control PDU (PS3.8 Table 9-10), and its class where an acceptor has to look into it.
_CONTROL = {
    pdus.A_ASSOCIATE_RQ: ("Evt6", A_ASSOCIATE_RQ),
    pdus.A_ASSOCIATE_AC: ("Evt3", None),
    pdus.A_ASSOCIATE_RJ: ("Evt4", None),
    pdus.A_RELEASE_RQ: ("Evt12", A_RELEASE_RQ),
    pdus.A_RELEASE_RP: ("Evt13", None),
    pdus.A_ABORT: ("Evt16", A_ABORT_RQ),
}


class MonotonicTimer(Timer):
    """The ARTIM timer on a clock that nobody sets."""

    _started_at: float | None = None

    @property
    def expired(self) -> bool:
        if self.timeout is None or self._started_at is None:
            return False
        return time.monotonic() - self._started_at > self.timeout

    def start(self) -> None:
        self._started_at = time.monotonic()

    def stop(self) -> None:
        self._started_at = None


class StreamingUpperLayer(DULServiceProvider):
    """Runs in its association's thread and is never started as one of its own."""

    def __init__(
        self, assoc: ReceivingAssociation, pdu_bytes_max: int, pdu_timeout_s: float, idle_timeout_s: float
    ) -> None:
        super().__init__(assoc)
        self.artim_timer = MonotonicTimer(None)
        self._pdu_timeout_s, self._idle_timeout_s = pdu_timeout_s, idle_timeout_s
        self._receiver = assoc
        self._stream = PduStream(pdu_bytes_max)
        self._heard_at = time.monotonic()
        self._pdu_due_at: float | None = None

    @property
    def _peer(self) -> PeerSocket:
        assert isinstance(self.socket, PeerSocket)
        return self.socket

    def run_reactor(self) -> None:
        """Serve the peer until the connection has ended."""
        peer = self._peer
        while True:
            self._settle()
            self._heed_stop()
            if self._kill_thread:
                break
            count = peer.receive_into(self._stream.space())
            if count is None:
                self._wait(peer)
            elif count == 0:
                self.event_queue.put(_CONNECTION_CLOSED)
            else:
                self._heard_at = time.monotonic()
                self._stream.filled(count)
                self._consume()
        self._settle()

    def send_command(self, context_id: int, command: bytes, peer_pdu_bytes_max: int) -> None:
        """Send a command set in as many P-DATA-TF PDUs as the peer's maximum asks for (PS3.8 D.1)."""
        step = max(peer_pdu_bytes_max - _PDV_OVERHEAD, 16) if peer_pdu_bytes_max else len(command)
        for start in range(0, len(command), step):
            data = command[start : start + step]
            control = _COMMAND_FRAGMENT | (_LAST if start + step >= len(command) else 0)
            header = pdus.P_DATA_HEADER.pack(pdus.P_DATA_TF, len(data) + 6, len(data) + 2, context_id, control)
            self._peer.send(header + data)

    def abort(self, reason: str) -> None:
        """Abort as provider (PS3.8 9.2.1, AA-1 or AA-8)."""
        self._receiver.ends(f"aborted: {reason}")
        self.event_queue.put(_INVALID_PDU)
        self._settle()
        self._stream.discard()

    def end(self) -> None:
        """Let go of connection and buffer."""
        self._peer.end()
        self._stream = PduStream(0, buffer_bytes=0)

    def abort_at_once(self) -> None:
        """Send an A-ABORT past the state machine, which is no longer in order."""
        abort = A_ABORT_RQ()
        abort.source, abort.reason_diagnostic = 0x02, 0x00
        self._peer.send(abort.encode())

    def _settle(self) -> None:
        """Let state machine and association act until there is nothing left to act on."""
        while True:
            if not self.event_queue.empty():
                event = self.event_queue.get_nowait()
                if self._kill_thread and event == _CONNECTION_CLOSED:
                    continue  # our own close; the state machine is idle again
                self.state_machine.do_action(event)
            elif self._process_recv_primitive():
                continue
            elif not self.to_user_queue.empty():
                self._receiver.indicate(self.receive_pdu())
            else:
                return

    def _consume(self) -> None:
        completed, served = self._stream.pdus_completed, self._receiver.messages
        try:
            for piece in self._stream.pieces():
                if isinstance(piece, Fragment) and self.state_machine.current_state == _ESTABLISHED:
                    self._receiver.take(piece)
                else:
                    self._act_on(piece)
                if self._is_over:
                    self._stream.discard()
                    break
            self._receiver.flush()
        except InvalidPdu as fault:
            self.abort(str(fault))
        if not self._stream.is_within_pdu:
            self._pdu_due_at = None
        elif self._pdu_due_at is None or (completed, served) != (self._stream.pdus_completed, self._receiver.messages):
            self._pdu_due_at = time.monotonic() + self._pdu_timeout_s

    @property
    def _is_over(self) -> bool:
        """Whether nothing that the peer has sent matters any more."""
        return self._kill_thread or self._peer.is_lost or self.state_machine.current_state == _AWAITING_CLOSE

    def _act_on(self, piece: ControlPdu | Fragment) -> None:
        event = _P_DATA_RECEIVED
        if isinstance(piece, ControlPdu):
            event, pdu_class = _CONTROL[piece.pdu_type]
            if pdu_class is not None:
                pdu = pdu_class()
                pdu.decode(piece.data)
                self._recv_pdu.put(pdu)
        self.event_queue.put(event)
        self._settle()

    def _wait(self, peer: PeerSocket) -> None:
        """Wait for the peer for one tick, and abort when it has overstepped a deadline."""
        now = time.monotonic()
        if self.artim_timer.expired:
            self.event_queue.put(_ARTIM_EXPIRED)
        elif self.state_machine.current_state == _AWAITING_CLOSE:
            peer.wait_readable(TICK_S)
        elif self._pdu_due_at is not None and now > self._pdu_due_at:
            self.abort(f"a PDU was not complete within {self._pdu_timeout_s:g} s")
        elif self.state_machine.current_state == _ESTABLISHED and now - self._heard_at > self._idle_timeout_s:
            self.abort(f"idle for {self._idle_timeout_s:g} s")
        else:
            peer.wait_readable(TICK_S)

    def _heed_stop(self) -> None:
        if not self._receiver.should_stop:
            return
        if self.state_machine.current_state == _ESTABLISHED:
            self._receiver.ends("aborted: the node stops")
            self._receiver.acse.send_abort(0x00)
            self._settle()
        self._kill_thread = True
