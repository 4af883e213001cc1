"""One association as requestor: C-STORE, C-ECHO and whole small messages, driven by the thread that calls.

pynetdicom encodes and decodes the PDUs of the negotiation. The waiting is ours: its reactor polls every millisecond
in two threads per open association, and its abort waits for ever once a peer that stopped reading blocks a write.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from pynetdicom.pdu import A_ABORT_RQ, A_RELEASE_RP, A_RELEASE_RQ

from scp_node.deliver.connection import BYTES_PER_S_MIN, SEND_BUFFER_BYTES
from scp_node.deliver.dimse.connection import PduConnection
from scp_node.deliver.dimse.incoming_message import DATA_SET_BYTES_MAX, DimseMessage, IncomingFragments
from scp_node.deliver.dimse.negotiation import Accepted, Proposal, associate_request, read_answer
from scp_node.deliver.dimse.peer import Peer
from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse import command_set as cs
from scp_node.dimse import pdus
from scp_node.dimse.requests import Answer
from scp_node.dimse.uids import VERIFICATION
from scp_node.tls.certificates import Certificate


class Association:
    """An established association. Every method raises PeerFault when the peer does not do its part in time."""

    def __init__(self, peer: Peer, proposals: Sequence[Proposal]) -> None:
        request = associate_request(peer, proposals)
        deadline = time.monotonic() + peer.connect_timeout_s
        self.peer = peer
        self._message_id = 0
        self._connection = PduConnection(peer.host, peer.port, peer.connect_timeout_s, peer.channel)
        with contextlib.ExitStack() as unless_established:
            unless_established.callback(self._connection.close)
            negotiated = self._negotiate(request, proposals, deadline)
            unless_established.pop_all()
        self.accepted, self._pdu_bytes_max = negotiated.contexts, negotiated.pdu_bytes_max

    def _negotiate(self, request: bytes, proposals: Sequence[Proposal], deadline: float) -> Accepted:
        try:
            self._connection.write(request, self.peer.connect_timeout_s)
            return read_answer(*self._connection.read_pdu(deadline, "association-timeout"), proposals)
        except PeerFault as fault:
            if self.peer.channel is not None and fault.code == "connection-lost":
                # in TLS 1.3 a peer looks at our certificate after the handshake, and its alert may be lost
                raise PeerFault("tls-refused", "it closed the connection after the handshake") from fault
            raise

    @property
    def certificate(self) -> Certificate | None:
        """The certificate that the peer showed; None without TLS."""
        return self._connection.certificate

    @property
    def tls_version(self) -> str | None:
        return self._connection.tls_version

    def accepts(self, sop_class_uid: str) -> tuple[str, ...]:
        """Transfer syntaxes in which the peer takes objects of this class."""
        return tuple(p.transfer_syntax_uid for p in self.accepted if p.sop_class_uid == sop_class_uid)

    def store(self, proposal: Proposal, sop_instance_uid: str, dataset: BinaryIO, dataset_bytes: int) -> Answer:
        """C-STORE one data set, read from `dataset` as it is sent (PS3.7 9.1.1)."""
        context_id, message_id = self.accepted[proposal], self.next_message_id()
        command: dict[int, int | str] = {
            cs.AFFECTED_SOP_CLASS_UID: proposal.sop_class_uid,
            cs.COMMAND_FIELD: cs.C_STORE_RQ,
            cs.MESSAGE_ID: message_id,
            cs.PRIORITY: cs.PRIORITY_MEDIUM,
            cs.COMMAND_DATA_SET_TYPE: cs.DATA_SET,
            cs.AFFECTED_SOP_INSTANCE_UID: sop_instance_uid,
        }
        self._write_p_data(context_id, pdus.COMMAND | pdus.LAST, cs.encode_command(command))
        self._write_dataset(context_id, dataset, dataset_bytes)
        on_the_way = min(dataset_bytes, 2 * SEND_BUFFER_BYTES)
        return self._read_response(context_id, message_id, cs.C_STORE_RSP, on_the_way)

    def echo(self) -> Answer:
        """C-ECHO (PS3.7 9.1.5)."""
        context_id = next(number for p, number in self.accepted.items() if p.sop_class_uid == VERIFICATION)
        message_id = self.next_message_id()
        command: dict[int, int | str] = {
            cs.AFFECTED_SOP_CLASS_UID: VERIFICATION,
            cs.COMMAND_FIELD: cs.C_ECHO_RQ,
            cs.MESSAGE_ID: message_id,
            cs.COMMAND_DATA_SET_TYPE: cs.NO_DATA_SET,
        }
        self._write_p_data(context_id, pdus.COMMAND | pdus.LAST, cs.encode_command(command))
        return self._read_response(context_id, message_id, cs.C_ECHO_RSP)

    def next_message_id(self) -> int:
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    def send_message(self, context_id: int, command: Mapping[int, int | str], data_set: bytes = b"") -> None:
        """Send a command set, and a data set unless it is empty."""
        self._write_p_data(context_id, pdus.COMMAND | pdus.LAST, cs.encode_command(command))
        if data_set:
            self._write_dataset(context_id, io.BytesIO(data_set), len(data_set))

    def has_news(self) -> bool:
        """Whether there is something to read, be it the end of the connection."""
        return self._connection.has_news()

    def read_message(self, timeout_s: float) -> DimseMessage:
        """The next message of the peer, whose data set is at most DATA_SET_BYTES_MAX long. Of a final response only the
        command set: whether a data set follows it, archives do not always say as it is."""
        deadline = time.monotonic() + timeout_s
        incoming = IncomingFragments()
        while incoming.message is None:
            for number, control, fragment in self._read_p_data(deadline):
                incoming.take(number, control, fragment)
        return incoming.message

    def is_usable(self) -> bool:
        """Whether the peer asked for nothing since the last message; a release it asks for is granted."""
        with contextlib.suppress(PeerFault):
            passed_over = 0
            while self._connection.has_news() and passed_over <= DATA_SET_BYTES_MAX:
                pdu_type, data = self._connection.read_pdu(time.monotonic() + 1.0, "connection-lost")
                if pdu_type == pdus.A_RELEASE_RQ:
                    self._connection.write(_encoded(A_RELEASE_RP()), 1.0)
                if pdu_type != pdus.P_DATA_TF or any(control & pdus.COMMAND for _, control, _ in _pdvs(data)):
                    break  # a data set behind a response is for nobody, and no obstacle up to a size
                passed_over += len(data)
            else:
                if passed_over <= DATA_SET_BYTES_MAX:
                    return True
        self._connection.close()
        return False

    def release(self) -> None:
        """A-RELEASE, then close; a peer that does not answer is left all the same."""
        deadline = time.monotonic() + self.peer.connect_timeout_s
        with contextlib.suppress(PeerFault):
            self._connection.write(_encoded(A_RELEASE_RQ()), self.peer.connect_timeout_s)
            pdu_type, _ = self._connection.read_pdu(deadline, "connection-lost")
            if pdu_type == pdus.A_RELEASE_RQ:  # both asked at the same time (PS3.8 9.2.3, AR-8 and AR-9)
                self._connection.write(_encoded(A_RELEASE_RP()), self.peer.connect_timeout_s)
                self._connection.read_pdu(deadline, "connection-lost")
        self._connection.close()

    def abort(self) -> None:
        """A-ABORT as service user, as far as it still gets through, then close."""
        abort = A_ABORT_RQ()
        abort.source, abort.reason_diagnostic = 0x00, 0x00
        with contextlib.suppress(PeerFault):
            self._connection.write(_encoded(abort), 0.1)
        self._connection.close()

    def _write_p_data(self, context_id: int, control: int, fragment: bytes) -> None:
        self._connection.write(pdus.p_data(context_id, control, fragment), self.peer.response_timeout_s)

    def _write_dataset(self, context_id: int, dataset: BinaryIO, length: int) -> None:
        deadline = time.monotonic() + self.peer.response_timeout_s + length / BYTES_PER_S_MIN
        remaining = length
        while remaining:
            fragment = dataset.read(min(remaining, self._pdu_bytes_max - pdus.PDV_HEADER.size))
            if not fragment:
                raise PeerFault("file-missing", "the file became shorter while it was sent")
            remaining -= len(fragment)
            self._write_p_data(context_id, 0 if remaining else pdus.LAST, fragment)
            if time.monotonic() > deadline:
                raise PeerFault("send-timeout", f"slower than {BYTES_PER_S_MIN} bytes a second")

    def _read_p_data(self, deadline: float) -> list[tuple[int, int, bytes]]:
        pdu_type, data = self._connection.read_pdu(deadline, "response-timeout")
        if pdu_type == pdus.A_ABORT:
            raise PeerFault("aborted")
        if pdu_type != pdus.P_DATA_TF:
            raise PeerFault("protocol-error", f"PDU type {pdu_type:02X} instead of a response")
        return _pdvs(data)

    def _read_response(self, context_id: int, message_id: int, command_field: int, on_the_way: int = 0) -> Answer:
        message = self.read_message(self.peer.response_timeout_s + on_the_way / BYTES_PER_S_MIN)
        if message.context_id != context_id:
            raise PeerFault("protocol-error", "a response in another presentation context")
        return message.answers(command_field, message_id)


def _pdvs(pdu: bytes) -> list[tuple[int, int, bytes]]:
    """(context id, message control header, fragment) of each PDV in a P-DATA-TF PDU (PS3.8 9.3.5)."""
    pdvs = []
    position = pdus.PDU_HEADER.size
    while position < len(pdu):
        if position + pdus.PDV_HEADER.size > len(pdu):
            raise PeerFault("protocol-error", "a PDV without header")
        length, context_id, control = pdus.PDV_HEADER.unpack_from(pdu, position)
        end = position + 4 + length
        if length < 2 or end > len(pdu):
            raise PeerFault("protocol-error", "a PDV with a wrong length")
        pdvs.append((context_id, control, pdu[position + pdus.PDV_HEADER.size : end]))
        position = end
    return pdvs


def _encoded(pdu: A_RELEASE_RQ | A_RELEASE_RP | A_ABORT_RQ) -> bytes:
    data: bytes = pdu.encode()
    return data
