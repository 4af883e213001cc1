"""One association as acceptor: who is let in, and what becomes of each message (PS3.7 8, PS3.8 7)."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.acse import ACSE
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import A_ABORT, A_ASSOCIATE, A_P_ABORT, A_RELEASE, UserIdentityNegotiation
from pynetdicom.transport import AddressInformation

from scp_node.dimse.command_set import C_ECHO_RQ, C_STORE_RQ, N_EVENT_REPORT_RQ
from scp_node.dimse.requests import (
    COMMAND_BYTES_MAX,
    SUCCESS,
    Answer,
    Command,
    MalformedCommand,
    decode_command,
    encode_response,
)
from scp_node.dimse.uids import STORAGE_COMMITMENT, VERIFICATION
from scp_node.intake.store import Context, IncomingInstance, Requestor
from scp_node.receive.access import Admission, Caller, Rejection, UserIdentity, admit
from scp_node.receive.commitment_reports import IncomingReport
from scp_node.receive.latch import Latch
from scp_node.receive.negotiations import Negotiated, items_of, read_request
from scp_node.receive.pdu_stream import Fragment, InvalidPdu
from scp_node.receive.peer_socket import PeerSocket
from scp_node.receive.tls_socket import HandshakeFailed, PeerLeft, SecuredPeerSocket
from scp_node.receive.upper_layer import StreamingUpperLayer
from scp_node.telemetry import metrics
from scp_node.telemetry.printable import printable
from scp_node.tls.contexts import CertificateUnusable, credentials

if TYPE_CHECKING:
    from scp_node.receive.scp import ReceivingServer

log = logging.getLogger(__name__)

EMPTY_PDVS_MAX = 16
_WRONG_CLASS = Answer(0x0122, "the SOP class is not that of the presentation context")


class AdmittingAcse(ACSE):
    """pynetdicom's negotiation, entered only by those whom the configuration lets in."""

    def negotiate_association(self) -> None:
        assoc = self.assoc
        assert isinstance(assoc, ReceivingAssociation)
        request = assoc.requestor.primitive
        assert request is not None
        called, calling = request.called_ae_title or "", request.calling_ae_title or ""
        if assoc.is_admitted(called, calling, request.application_context_name or ""):
            super().negotiate_association()

    def _check_user_identity(self) -> tuple[bool, UserIdentityNegotiation | None]:
        """Admission has judged the identity; who asked for it is told that it was accepted (PS3.7 D.3.3.7.2)."""
        asked, assoc = self.requestor.user_identity, self.assoc
        assert isinstance(assoc, ReceivingAssociation)
        if asked is None or not asked.positive_response_requested or not assoc.is_user_known:
            return True, None
        response = UserIdentityNegotiation()
        response.server_response = b""  # for a user name, with or without passcode, the response is empty
        return True, response


class ReceivingAssociation(Association):
    """A thread that serves one peer: C-ECHO, C-STORE and reports on storage commitment, one message after the other."""

    def __init__(self, server: ReceivingServer, connection: socket.socket, address: AddressInformation) -> None:
        super().__init__(server.ae, MODE_ACCEPTOR)
        self.settings = server.settings
        self._server = self._node = server
        limits = self.settings.receiver
        self.upper_layer = StreamingUpperLayer(self, limits)
        self.dul = self.upper_layer
        self.acse = AdmittingAcse(self)
        self.acse_timeout = limits.acse_timeout_s
        self._peer = (PeerSocket if self.settings.tls.profile == "off" else SecuredPeerSocket)(
            self, connection, limits.pdu_timeout_s
        )
        self.set_socket(self._peer)
        self.requestor.address_info = address
        self.acceptor.address_info = server.address_info
        self.acceptor.ae_title = self.settings.node.ae_title
        self.acceptor.maximum_length = limits.pdu_bytes_max
        self.acceptor.implementation_class_uid = server.ae.implementation_class_uid
        self.acceptor.implementation_version_name = server.ae.implementation_version_name
        self._negotiations = server.negotiations  # before the contexts: it is never newer than they are
        self.acceptor.supported_contexts = server.contexts
        self.peer_address = address.address
        self.name = f"association-{address.address}:{address.port}"
        self.messages = self.refused = self.bytes = 0
        self.request_pdu = b""
        self.is_user_known = False
        self._outcome = ""
        self._sender = Requestor("", "", "")
        self._contexts: Mapping[int, Context] = {}
        self._peer_pdu_bytes_max = 0
        self._command = bytearray()
        self._command_context: int | None = None
        self._is_within_message = False
        self._empty_pdvs = 0
        self._request: tuple[int, Command] | None = None
        self._instance: IncomingInstance | IncomingReport | None = None
        self._pieces: list[memoryview] = []
        self._data_bytes = 0

    # --- life of the thread ---------------------------------------------------------------------------------------

    def run_reactor(self) -> None:
        began = time.monotonic()
        try:
            if isinstance(self._peer, SecuredPeerSocket):
                self._secure(self._peer)
            self.upper_layer.run_reactor()
        except (HandshakeFailed, CertificateUnusable) as error:
            self.ends(f"no TLS connection: {error}")
            level = logging.DEBUG if isinstance(error, PeerLeft) else logging.WARNING
            log.log(level, "no TLS connection", extra={"address": self.peer_address, "reason": printable(str(error))})
        except Exception as error:  # the thread ends here
            log.warning("association failed", exc_info=error)
            self.ends(f"failed: {type(error).__name__}")
            self.upper_layer.abort_at_once()
        finally:
            self._drop_message()
            self._node.limits.keep(self)
            self.upper_layer.end()
            self._log_end(time.monotonic() - began)
            self._node.limits.leave(self)

    def _secure(self, peer: SecuredPeerSocket) -> None:
        """Raises HandshakeFailed or CertificateUnusable."""
        tls = self.settings.tls
        peer.shake_hands(credentials(tls).contexts().server, tls.handshake_timeout_s, self.stop_latch)

    @property
    def stop_latch(self) -> Latch:
        """What tells this association to stop: a message that is half received may be completed first."""
        return self._node.closing if self._is_within_message else self._node.draining

    def hang_up(self) -> None:
        """Make room for another connection. Called from another thread, and only until the door is told to `keep`."""
        self.upper_layer.hang_up()

    def ends(self, outcome: str) -> None:
        """Note why the association ends; the first reason counts."""
        self._outcome = self._outcome or outcome

    # --- association control --------------------------------------------------------------------------------------

    def indicate(self, primitive: A_ASSOCIATE | A_RELEASE | A_ABORT | A_P_ABORT | None) -> None:
        """An indication of the upper layer (PS3.8 7)."""
        if isinstance(primitive, A_ASSOCIATE):
            self.requestor.primitive = primitive
            self.acse.negotiate_association()
            return
        self._drop_message()
        self._node.limits.dissociate(self)
        self.is_established = False
        if isinstance(primitive, A_RELEASE):
            self.is_released = True
            self.ends("released")
            self.acse.send_release(is_response=True)
        else:
            self.is_aborted = True
            self.ends("aborted by the peer" if isinstance(primitive, A_ABORT) else "connection lost")

    def is_admitted(self, called_ae_title: str, calling_ae_title: str, application_context: str) -> bool:
        """Decide on the request that has come, and answer it when it is rejected."""
        called, calling = called_ae_title.strip(" "), calling_ae_title.strip(" ")
        self._sender = Requestor("", calling, called)
        peer, asked = self._peer, self.requestor.user_identity
        certificate = peer.certificate if isinstance(peer, SecuredPeerSocket) else None
        user = None
        if asked is not None:
            user = UserIdentity(asked.user_identity_type or 0, asked.primary_field or b"", asked.secondary_field or b"")
        caller = Caller(called, calling, application_context, self.peer_address, certificate, user)
        decision = admit(self.settings, caller)
        rejection = decision if isinstance(decision, Rejection) else self._node.limits.associate(self, calling)
        if rejection is not None:
            self.ends(str(rejection))
            self.is_rejected = True
            metrics.association_rejections.labels(rejection.code).inc()
            self.acse.send_reject(rejection.result, rejection.source, rejection.diagnostic)
            return False
        assert isinstance(decision, Admission)
        self._sender = Requestor(decision.source, calling, called, decision.may_send)
        self.is_user_known = self.settings.remote_aes[decision.source].user is not None
        return True

    def is_answered_from_memory(self, pdu: bytes) -> bool:
        """Answer an A-ASSOCIATE-RQ that differs from an earlier one in its AE titles at most; False for any other."""
        request = read_request(pdu)
        if request is None:
            return False
        negotiated = self._negotiations.recall(request.items, self.settings.receiver.pdu_bytes_max)
        if negotiated is None:
            return False
        self.upper_layer.skip_request()
        called, calling = request.called_ae_title.decode(), request.calling_ae_title.decode()
        if self.is_admitted(called, calling, negotiated.application_context):
            self.upper_layer.skip_accept(negotiated.answer(request))
            self._establish(negotiated)
        return True

    def accepted(self, answer: bytes) -> None:
        """pynetdicom has negotiated, and sends this A-ASSOCIATE-AC."""
        primitive = self.requestor.primitive
        assert primitive is not None
        negotiated = Negotiated(
            application_context=str(primitive.application_context_name),
            contexts={
                number: Context(str(context.abstract_syntax), str(context.transfer_syntax[0]))
                for number, context in self._accepted_cx.items()
            },
            peer_pdu_bytes_max=self.requestor.maximum_length or 0,
            items=items_of(answer),
        )
        request = read_request(self.request_pdu)
        # who they are is looked at anew each time, and passcodes are not kept
        if request is not None and self.requestor.user_identity is None:
            pdu_bytes_max = self.settings.receiver.pdu_bytes_max
            self._negotiations.remember(request.items, pdu_bytes_max, negotiated)
        self._establish(negotiated)

    def _establish(self, negotiated: Negotiated) -> None:
        self.request_pdu = b""
        self._contexts, self._peer_pdu_bytes_max = negotiated.contexts, negotiated.peer_pdu_bytes_max
        self.is_established = True
        self.upper_layer.deadlines.heard(0)

    # --- messages -------------------------------------------------------------------------------------------------

    def take(self, fragment: Fragment) -> None:
        """The next fragment of a message (PS3.8 E.2). Raises InvalidPdu when it belongs to none."""
        if fragment.context_id not in self._contexts:
            raise InvalidPdu(f"presentation context {fragment.context_id} was not accepted")
        if not self._is_within_message:
            self._is_within_message = True
            self._empty_pdvs = 0
            self.upper_layer.deadlines.message_began()
        # an empty PDV adds to no other limit
        self._empty_pdvs += max(0, fragment.pdvs - len(fragment.pieces))
        if self._empty_pdvs > EMPTY_PDVS_MAX:
            raise InvalidPdu(f"a message with more than {EMPTY_PDVS_MAX} empty fragments")
        if fragment.is_command:
            self._take_command(fragment)
        else:
            self._take_data(fragment)

    def flush(self) -> None:
        """Write what was taken while it is still in the receive buffer."""
        if self._pieces and self._instance is not None:
            self._instance.write(self._pieces)
        self._pieces = []

    def _take_command(self, fragment: Fragment) -> None:
        if self._request is not None:
            raise InvalidPdu("a command within a data set")
        if self._command_context not in (None, fragment.context_id):
            raise InvalidPdu("a command in two presentation contexts")
        self._command_context = fragment.context_id
        if len(self._command) + fragment.bytes > COMMAND_BYTES_MAX:
            raise InvalidPdu(f"a command set of more than {COMMAND_BYTES_MAX} bytes")
        for piece in fragment.pieces:
            self._command += piece
        if fragment.is_last:
            try:
                command = decode_command(self._command)
            except MalformedCommand as error:
                raise InvalidPdu(str(error)) from error
            self._command.clear()
            self._command_context = None
            self._begin(fragment.context_id, command)

    def _begin(self, context_id: int, command: Command) -> None:
        context = self._contexts[context_id]
        if command.field == C_ECHO_RQ and not command.has_data_set:
            is_verification = command.sop_class_uid == context.abstract_syntax == VERIFICATION
            self._answer(context_id, command, SUCCESS if is_verification else _WRONG_CLASS)
        elif command.field == C_STORE_RQ:
            self._begin_data_set(context_id, command, self._node.store.begin(self._sender, context, command))
        elif command.field == N_EVENT_REPORT_RQ and context.abstract_syntax == STORAGE_COMMITMENT:
            report = IncomingReport(self._node.reports, self._sender, context, command)
            self._begin_data_set(context_id, command, report)
        else:
            raise InvalidPdu(f"command 0x{command.field:04X} is not served")

    def _begin_data_set(self, context_id: int, command: Command, instance: IncomingInstance | IncomingReport) -> None:
        self._instance, self._request, self._data_bytes = instance, (context_id, command), 0
        if not command.has_data_set:
            self._finish()

    def _take_data(self, fragment: Fragment) -> None:
        if self._request is None or self._instance is None:
            raise InvalidPdu("a data set without a command")
        if fragment.context_id != self._request[0]:
            raise InvalidPdu("a data set in another presentation context than its command")
        self._pieces += fragment.pieces
        self._data_bytes += fragment.bytes
        bytes_max = self.settings.receiver.instance_bytes_max
        if self._data_bytes > bytes_max:
            raise InvalidPdu(f"instance_bytes_max: a data set of more than {bytes_max} bytes")
        if fragment.is_last:
            self.flush()
            self._finish()

    def _finish(self) -> None:
        assert self._request is not None and self._instance is not None
        (context_id, command), instance = self._request, self._instance
        answer = instance.finish()
        self.bytes += instance.bytes
        self._request = self._instance = None
        self._answer(context_id, command, answer)

    def _answer(self, context_id: int, command: Command, answer: Answer) -> None:
        self.messages += 1
        self.refused += answer.status != SUCCESS.status
        self._is_within_message = False
        self.upper_layer.deadlines.message_ended()
        self.upper_layer.send_command(context_id, encode_response(command, answer), self._peer_pdu_bytes_max)

    def _drop_message(self) -> None:
        if self._instance is not None:
            self._instance.discard()
        self._pieces, self._request, self._instance = [], None, None
        self._is_within_message = False

    def _log_end(self, took_s: float) -> None:
        sender = self._sender
        log.log(
            logging.INFO if self._outcome else logging.DEBUG,
            "association ended",
            extra={
                "source": sender.source,
                "calling_ae_title": printable(sender.calling_ae_title),
                "called_ae_title": printable(sender.called_ae_title),
                "address": self.requestor.address,
                "tls": self._peer.tls_version or "off",
                "outcome": self._outcome or "connection closed without association",
                "messages": self.messages,
                "refused": self.refused,
                "bytes": self.bytes,
                "took_s": round(took_s, 3),
            },
        )
