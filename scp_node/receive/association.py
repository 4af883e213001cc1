"""One association as acceptor: who is let in, and what becomes of each message (PS3.7 8, PS3.8 7)."""

from __future__ import annotations

import logging
import socket
from functools import partial

from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import A_ABORT, A_ASSOCIATE, A_RELEASE
from pynetdicom.transport import AddressInformation

from scp_node.dimse.association_pdus import clean_request, is_version_supported, titles_of
from scp_node.dimse.requests import Answer, encode_response
from scp_node.intake.store import Context, Requestor
from scp_node.receive.access import (
    UNSUPPORTED_PROTOCOL_VERSION,
    Admission,
    Caller,
    Rejection,
    UserIdentity,
    admit,
    is_proxy,
)
from scp_node.receive.admitting_acse import AdmittingAcse
from scp_node.receive.contexts import refusals
from scp_node.receive.latch import Latch
from scp_node.receive.message import IncomingMessage
from scp_node.receive.negotiations import Negotiated, items_of, read_request
from scp_node.receive.pdu_stream import Fragment, InvalidPdu
from scp_node.receive.peer_socket import PeerSocket
from scp_node.receive.proxied_connection import caller_behind_proxy
from scp_node.receive.proxy_header import HeaderRefused, NobodyCalls
from scp_node.receive.services import serve
from scp_node.receive.shared import Shared
from scp_node.receive.summary import AssociationSummary
from scp_node.receive.tls_socket import HandshakeFailed, PeerLeft, SecuredPeerSocket
from scp_node.receive.unserved import Unserved
from scp_node.receive.upper_layer import Indication, StreamingUpperLayer
from scp_node.settings import Receiver
from scp_node.telemetry import metrics
from scp_node.telemetry.printable import printable
from scp_node.tls.contexts import CertificateUnusable, credentials

log = logging.getLogger(__name__)


class ReceivingAssociation(Association):
    """A thread that serves one peer: C-ECHO, C-STORE and reports on storage commitment, one message after the other."""

    dul: StreamingUpperLayer

    def __init__(self, shared: Shared, connection: socket.socket, address: AddressInformation) -> None:
        super().__init__(shared.ae, MODE_ACCEPTOR)
        self._shared, self._terms = shared, shared.terms
        self._peer = self._connect_providers(connection)
        self._introduce(address)
        self._sender = Requestor("", "", "")
        self._request_pdu = b""
        self._negotiated: Negotiated | None = None
        self._message: IncomingMessage | None = None
        self._summary = AssociationSummary()
        self._unserved = Unserved(self._limits.instance_bytes_max)

    def _connect_providers(self, connection: socket.socket) -> PeerSocket:
        """Put the upper layer, the ACSE and the socket of this package in the place of pynetdicom's."""
        self.dul = StreamingUpperLayer(self, self._limits)
        self.acse = AdmittingAcse(self)
        self.acse_timeout = self._limits.acse_timeout_s
        kind = PeerSocket if self._terms.settings.tls.profile == "off" else SecuredPeerSocket
        peer = kind(self, connection, self._limits.pdu_timeout_s)
        self.set_socket(peer)
        return peer

    def _introduce(self, address: AddressInformation) -> None:
        """Tell pynetdicom who calls, and what it is to say of this node in an A-ASSOCIATE-AC."""
        self._call(address)
        self.acceptor.ae_title = self._terms.settings.node.ae_title
        self.acceptor.maximum_length = self._limits.pdu_bytes_max
        self.acceptor.implementation_class_uid = self.ae.implementation_class_uid
        self.acceptor.implementation_version_name = self.ae.implementation_version_name
        self.acceptor.supported_contexts = self._terms.contexts

    def _call(self, address: AddressInformation) -> None:
        self.name = f"association-{address.address}:{address.port}"
        self.peer_address = address.address
        self.requestor.address_info = address

    @property
    def _limits(self) -> Receiver:
        return self._terms.settings.receiver

    # --- life of the thread ---------------------------------------------------------------------------------------

    def run_reactor(self) -> None:
        try:
            if is_proxy(self._limits, self.peer_address):
                self._learn_caller(self._peer)
            if isinstance(self._peer, SecuredPeerSocket):
                self._secure(self._peer)
            self.dul.run_reactor()
        except HeaderRefused as error:
            self._summary.ends(str(error), logging.DEBUG if isinstance(error, NobodyCalls) else logging.WARNING)
        except (HandshakeFailed, CertificateUnusable) as error:
            has_left = isinstance(error, PeerLeft)
            level = logging.DEBUG if has_left else logging.WARNING
            metrics.tls_failures.inc(not has_left)
            self._summary.ends(f"no TLS connection: {printable(str(error))}", level)
        except Exception as error:  # the thread ends here
            log.warning("association failed", exc_info=error)
            self.ends(f"failed: {type(error).__name__}")
            self.dul.abort_at_once()
        finally:
            self._drop_message()
            self._shared.limits.protect(self)
            self.dul.end()
            ending = self._summary.ending(self._sender, self.peer_address, self._peer.tls_version)
            self._shared.callers.ended(ending)
            self._shared.limits.leave(self)

    def _learn_caller(self, peer: PeerSocket) -> None:
        """Who calls through the proxy that has connected. Raises HeaderRefused."""
        caller = caller_behind_proxy(peer.accepted_socket, self._limits.acse_timeout_s, self.stop_latch)
        if not self._shared.limits.transfer(self, caller.address):
            raise NobodyCalls("its address has as many connections as it may have")
        self._call(caller)

    def _secure(self, peer: SecuredPeerSocket) -> None:
        """Raises HandshakeFailed or CertificateUnusable."""
        tls = self._terms.settings.tls
        peer.shake_hands(credentials(tls).contexts().server, tls.handshake_timeout_s, self.stop_latch)

    @property
    def stop_latch(self) -> Latch:
        """What tells this association to stop: a message that is half received may be completed first."""
        return self._shared.draining if self._message is None else self._shared.closing

    def stop(self) -> None:
        """Abort as user, because the node stops."""
        self.ends("aborted: the node stops")
        self.acse.send_abort(0x00)

    def hang_up(self) -> None:
        """Make room for another connection. Called from another thread, and only until `ConnectionLimits.protect`."""
        self.dul.hang_up()

    def ends(self, outcome: str) -> None:
        """Note why the association ends; the first reason counts."""
        self._summary.ends(outcome)

    # --- association control --------------------------------------------------------------------------------------

    def indicate(self, indication: Indication) -> None:
        """An indication of the upper layer (PS3.8 7)."""
        if isinstance(indication, A_ASSOCIATE):
            self.requestor.primitive = indication
            self.acse.negotiate_association()
            return
        self._drop_message()
        self._shared.limits.dissociate(self)
        self.is_established = False
        if isinstance(indication, A_RELEASE):
            self.is_released = True
            self.ends("released")
            self.acse.send_release(is_response=True)
        else:
            self.is_aborted = True
            self.ends("aborted by the peer" if isinstance(indication, A_ABORT) else "connection lost")

    def is_admitted(self, application_context: str) -> bool:
        """Decide on the request that has come, and answer it when it is rejected."""
        called, calling = self._sender.called_ae_title, self._sender.calling_ae_title
        decision = admit(self._terms.settings, self._caller(called, calling, application_context))
        rejection = decision if isinstance(decision, Rejection) else self._shared.limits.associate(self, calling)
        if rejection is not None:
            self._reject(rejection)
            return False
        assert isinstance(decision, Admission)
        self._sender = Requestor(decision.source, calling, called, decision.may_send)
        return True

    def _caller(self, called: str, calling: str, application_context: str) -> Caller:
        asked, user = self.requestor.user_identity, None
        if asked is not None:
            user = UserIdentity(asked.user_identity_type or 0, asked.primary_field or b"", asked.secondary_field or b"")
        return Caller(called, calling, application_context, self.peer_address, self._peer.certificate, user)

    def _note_rejection(self, rejection: Rejection) -> None:
        self.ends(str(rejection))
        metrics.association_rejections.labels(rejection.code).inc()

    def _reject(self, rejection: Rejection) -> None:
        self._note_rejection(rejection)
        self.is_rejected = True
        self.acse.send_reject(rejection.result, rejection.source, rejection.diagnostic)

    def is_answered_from_memory(self, request_pdu: bytes) -> bool:
        """Answer an A-ASSOCIATE-RQ that differs from an earlier one in its AE titles at most; False for any other."""
        self._request_pdu, titles = request_pdu, titles_of(request_pdu)
        self._sender = Requestor("", titles.calling, titles.called)
        if not is_version_supported(request_pdu):  # which the state machine will say
            self._note_rejection(UNSUPPORTED_PROTOCOL_VERSION)
        request = read_request(request_pdu)
        if request is None:
            return False
        negotiated = self._terms.negotiations.recall(request.items, self._limits.pdu_bytes_max)
        if negotiated is None:
            return False
        self.dul.skip_request()
        if self.is_admitted(negotiated.application_context):
            self.dul.skip_accept(negotiated.answer(request))
            self._establish(negotiated)
        return True

    def accepted(self, answer_pdu: bytes) -> bytes:
        """pynetdicom has negotiated, and sends this A-ASSOCIATE-AC, with the AE titles as they came."""
        primitive, request = self.requestor.primitive, read_request(self._request_pdu)
        assert primitive is not None and request is not None
        proposed = primitive.presentation_context_definition_list
        negotiated = Negotiated(
            application_context=str(primitive.application_context_name),
            contexts={
                number: Context(str(context.abstract_syntax), str(context.transfer_syntax[0]))
                for number, context in self._accepted_cx.items()
            },
            peer_pdu_bytes_max=self.requestor.maximum_length or 0,
            items=items_of(answer_pdu),
            refused=clean_request(self._request_pdu).skipped + refusals(proposed, self.rejected_contexts),
        )
        # who they are is looked at anew each time, and passcodes are not kept
        if self.requestor.user_identity is None:
            self._terms.negotiations.remember(request.items, self._limits.pdu_bytes_max, negotiated)
        self._establish(negotiated)
        return negotiated.answer(request)

    def _establish(self, negotiated: Negotiated) -> None:
        self._request_pdu = b""
        self._negotiated = negotiated
        self._summary.associated(negotiated.refused)
        self.is_established = True
        self.dul.deadlines.heard(0)

    # --- messages -------------------------------------------------------------------------------------------------

    def take(self, fragment: Fragment) -> None:
        """The next fragment of a message (PS3.8 E.2). Raises InvalidPdu when it belongs to none."""
        if self._message is None and self._unserved.drops(fragment):
            return
        message = self._message or self._begin_message(fragment.context_id)
        answer = message.take(fragment)
        if answer is not None:
            self._answer(message, answer)

    def flush(self) -> None:
        """Write what was taken while it is still in the receive buffer."""
        if self._message is not None:
            self._message.flush()

    def _begin_message(self, context_id: int) -> IncomingMessage:
        assert self._negotiated is not None
        context = self._negotiated.contexts.get(context_id)
        if context is None:
            raise InvalidPdu(f"presentation context {context_id} was not accepted")
        served_by = partial(serve, self._shared, self._sender, context)
        self._message = IncomingMessage(context_id, served_by, self._limits.instance_bytes_max)
        self.dul.deadlines.message_began()
        return self._message

    def _answer(self, message: IncomingMessage, answer: Answer) -> None:
        assert message.command is not None and self._negotiated is not None
        self._message = None
        self._summary.answered(message.command, answer, message.data_set_bytes)
        self.dul.deadlines.message_ended()
        if message.command.expects_answer:
            response = encode_response(message.command, answer)
            self.dul.send_command(message.context_id, response, self._negotiated.peer_pdu_bytes_max)
        self._unserved.note(message, answer)

    def _drop_message(self) -> None:
        if self._message is not None:
            self._message.discard()
            self._message = None
