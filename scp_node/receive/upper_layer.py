"""The upper layer of one association (PS3.8): pynetdicom's state machine, driven by the thread of the association.

pynetdicom polls in two threads an association and copies each byte about nine times. Here one thread waits for the
peer, feeds whole control PDUs to the state machine, and hands the fragments of P-DATA to its user straight from the
receive buffer. While a message is answered nothing is read, so that a peer that sends ahead fills its own buffers.

The private parts of pynetdicom this package stands on are listed, with their fingerprints, in
tests/unit/receive/test_pynetdicom_hooks.py.
"""

from __future__ import annotations

import math
import time
from typing import Protocol, cast

from pynetdicom.association import Association
from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RQ, A_RELEASE_RQ, PDU
from pynetdicom.pdu_primitives import A_ABORT, A_ASSOCIATE, A_P_ABORT, A_RELEASE
from pynetdicom.timer import Timer

from scp_node.dimse import pdus
from scp_node.dimse.association_pdus import MalformedAssociation, clean_request
from scp_node.receive.deadlines import Deadlines
from scp_node.receive.latch import Latch
from scp_node.receive.pdu_stream import ControlPdu, Fragment, InvalidPdu, PduStream
from scp_node.receive.peer_socket import PeerSocket
from scp_node.settings import Receiver

ReadPdu = A_ASSOCIATE_RQ | A_RELEASE_RQ | A_ABORT_RQ
Indication = A_ASSOCIATE | A_RELEASE | A_ABORT | A_P_ABORT | None

_AWAITING_REQUEST, _REQUEST_INDICATED = "Sta2", "Sta3"
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


class UpperLayerUser(Protocol):
    """The association that an upper layer serves: what it is told, and what it is asked."""

    @property
    def stop_latch(self) -> Latch:
        """What tells it to stop; another one while a message is under way."""

    def stop(self) -> None:
        """The latch is set, and the association is established: abort it."""

    def is_answered_from_memory(self, request_pdu: bytes) -> bool:
        """An A-ASSOCIATE-RQ has come: whether it was answered without the state machine."""

    def indicate(self, indication: Indication) -> None:
        """An indication of the state machine (PS3.8 7)."""

    def accepted(self, answer_pdu: bytes) -> bytes:
        """The state machine sends this A-ASSOCIATE-AC; returns it as it is to be sent."""

    def take(self, fragment: Fragment) -> None:
        """A fragment of a message. Raises InvalidPdu where it cannot be one."""

    def flush(self) -> None:
        """Nothing of the fragments taken so far will be in the receive buffer any more."""

    def ends(self, outcome: str) -> None:
        """Why the association ends."""


class MonotonicTimer(Timer):
    """The ARTIM timer on the monotonic clock."""

    _started_at: float | None = None

    @property
    def left_s(self) -> float:
        if self.timeout is None or self._started_at is None:
            return math.inf
        return self._started_at + self.timeout - time.monotonic()

    @property
    def expired(self) -> bool:
        return self.left_s <= 0

    def start(self) -> None:
        self._started_at = time.monotonic()

    def stop(self) -> None:
        self._started_at = None


class StreamingUpperLayer(DULServiceProvider):
    """Runs in the thread of its association, and is never started as a thread."""

    def __init__(self, user: UpperLayerUser, limits: Receiver) -> None:
        super().__init__(cast(Association, user))  # which is all that pynetdicom's state machine knows of it
        self.artim_timer: MonotonicTimer = MonotonicTimer(None)
        self._user = user
        self._commands_sent = 0
        self._stream = PduStream(limits.pdu_bytes_max)
        self.deadlines = Deadlines(limits)

    @property
    def _peer(self) -> PeerSocket:
        assert isinstance(self.socket, PeerSocket)
        return self.socket

    @property
    def _state(self) -> str:
        return self.state_machine.current_state

    def run_reactor(self) -> None:
        """Serve the peer until the connection has ended."""
        peer, stream = self._peer, self._stream
        self._settle()
        while not self._kill_thread and not self._must_stop():
            if self.artim_timer.expired:
                self.event_queue.put(_ARTIM_EXPIRED)
            else:
                count = peer.receive_into(stream.space())
                if count is None:
                    stream.rest()
                    self._wait(peer)
                elif count == 0:
                    self.event_queue.put(_CONNECTION_CLOSED)
                elif self._state != _AWAITING_CLOSE:  # after that nothing matters (AA-6)
                    self.deadlines.heard(count)
                    stream.filled(count)
                    self._consume()
            self._settle()

    def skip_request(self) -> None:
        """An A-ASSOCIATE-RQ was read past the state machine (AE-6)."""
        self.artim_timer.stop()
        self.state_machine.transition(_REQUEST_INDICATED)

    def skip_accept(self, answer: bytes) -> None:
        """Send the A-ASSOCIATE-AC past the state machine (AE-7)."""
        self._peer.send(answer)
        self.state_machine.transition(_ESTABLISHED)

    def send_command(self, context_id: int, command: bytes, peer_pdu_bytes_max: int) -> None:
        """Send a command set in as many P-DATA-TF PDUs as the peer's maximum asks for (PS3.8 D.1)."""
        step = max(peer_pdu_bytes_max - pdus.PDV_HEADER.size, 16) if peer_pdu_bytes_max else len(command)
        for start in range(0, len(command), step):
            data = command[start : start + step]
            control = pdus.COMMAND | (pdus.LAST if start + step >= len(command) else 0)
            self._peer.send(pdus.p_data(context_id, control, data))
        self._commands_sent += 1

    def abort(self, reason: str) -> None:
        """Abort as provider (PS3.8 9.2.1, AA-1 or AA-8)."""
        self._user.ends(f"aborted: {reason}")
        self.event_queue.put(_INVALID_PDU)
        self._settle()
        self._stream.discard()

    def end(self) -> None:
        """Close the connection and give the buffer back."""
        self._peer.end()
        self._stream.discard()
        self._stream.rest()

    def hang_up(self) -> None:
        """End the connection from another thread."""
        self._peer.hang_up()

    def abort_at_once(self) -> None:
        """Send an A-ABORT past the state machine, which is no longer in order."""
        abort = A_ABORT_RQ()
        abort.source, abort.reason_diagnostic = 0x02, 0x00
        self._peer.send(abort.encode())

    def _settle(self) -> None:
        """Handle events, primitives and indications until none is left."""
        while True:
            if not self.event_queue.empty():
                event = self.event_queue.get_nowait()
                if self._kill_thread and event == _CONNECTION_CLOSED:
                    continue  # our own close; the state machine is idle again
                self.state_machine.do_action(event)
            elif self._process_recv_primitive():
                continue
            elif not self.to_user_queue.empty():
                self._user.indicate(self.receive_pdu())
            else:
                return

    def _send(self, pdu: PDU) -> None:
        """What the state machine sends."""
        data = pdu.encode()
        if isinstance(pdu, A_ASSOCIATE_AC):
            data = self._user.accepted(data)
        self._peer.send(data)

    def _consume(self) -> None:
        stream, deadlines = self._stream, self.deadlines
        completed, answered = stream.pdus_completed, self._commands_sent
        try:
            for piece in stream.pieces():
                if isinstance(piece, Fragment) and self._state == _ESTABLISHED:
                    self._user.take(piece)
                else:
                    self._act_on(piece)
                if self._is_over:
                    stream.discard()
                    break
            self._user.flush()
        except InvalidPdu as fault:
            self.abort(str(fault))
        if not stream.is_within_pdu:
            deadlines.pdu_ended()
        elif not deadlines.is_within_pdu or (completed, answered) != (stream.pdus_completed, self._commands_sent):
            deadlines.pdu_began()

    @property
    def _is_over(self) -> bool:
        """Whether nothing that the peer has sent matters any more."""
        return self._kill_thread or self._peer.is_lost or self._state == _AWAITING_CLOSE

    def _act_on(self, piece: ControlPdu | Fragment) -> None:
        event = _P_DATA_RECEIVED
        if isinstance(piece, ControlPdu):
            is_first_request = piece.pdu_type == pdus.A_ASSOCIATE_RQ and self._state == _AWAITING_REQUEST
            if is_first_request and self._user.is_answered_from_memory(piece.data):
                self._settle()
                return
            event, pdu_class = _CONTROL[piece.pdu_type]
            if pdu_class is not None:
                self._recv_pdu.put(_decoded(pdu_class(), piece.data))
        self.event_queue.put(event)
        self._settle()

    def _wait(self, peer: PeerSocket) -> None:
        """Wait for the peer until the next deadline, and abort when it has overstepped one."""
        peer.wake_at(self._user.stop_latch)
        if self._state == _AWAITING_CLOSE:
            peer.wait_readable(self.artim_timer.left_s)
            return
        began = time.monotonic()
        peer.wait_readable(min(self.deadlines.left_s, self.artim_timer.left_s))
        if reason := self.deadlines.overstepped(time.monotonic() - began):
            self.abort(reason)

    def _must_stop(self) -> bool:
        if not self._user.stop_latch.is_set:
            return False
        if self._state == _ESTABLISHED:
            self._user.stop()
            self._settle()
        return True


def _decoded(pdu: ReadPdu, data: bytes) -> ReadPdu:
    """`pdu` filled from its bytes. Raises InvalidPdu when pynetdicom cannot read it, or make a primitive of it."""
    try:
        pdu.decode(clean_request(data).pdu if isinstance(pdu, A_ASSOCIATE_RQ) else data)
        pdu.to_primitive()
    except MalformedAssociation as error:
        raise InvalidPdu(f"A-ASSOCIATE-RQ that cannot be read: {error}") from error
    except pdus.UNREADABLE as error:
        raise InvalidPdu(f"PDU of type 0x{data[0]:02X} that cannot be read ({type(error).__name__})") from error
    return pdu
