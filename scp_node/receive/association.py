"""One association as acceptor: who is let in, and what becomes of each message (PS3.7 8, PS3.8 7)."""

from __future__ import annotations

import logging
import socket
import time
from typing import TYPE_CHECKING

from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.acse import ACSE
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import A_ABORT, A_ASSOCIATE, A_P_ABORT, A_RELEASE
from pynetdicom.transport import AddressInformation

from scp_node import metrics
from scp_node.receive.access import TOO_MANY_ASSOCIATIONS, Rejection, admit, printable
from scp_node.receive.commands import (
    C_ECHO_RQ,
    C_STORE_RQ,
    COMMAND_BYTES_MAX,
    SUCCESS,
    Answer,
    Command,
    MalformedCommand,
    decode_command,
    encode_response,
)
from scp_node.receive.contexts import VERIFICATION
from scp_node.receive.handlers import Context, IncomingInstance, Sender
from scp_node.receive.pdu_stream import Fragment, InvalidPdu
from scp_node.receive.peer_socket import PeerSocket
from scp_node.receive.upper_layer import StreamingUpperLayer

if TYPE_CHECKING:
    from scp_node.receive.scp import ReceivingServer

log = logging.getLogger(__name__)

_WRONG_CLASS = Answer(0x0122, "the SOP class is not that of the presentation context")


class AdmittingAcse(ACSE):
    """pynetdicom's negotiation, entered only by those whom the configuration lets in."""

    def negotiate_association(self) -> None:
        assoc = self.assoc
        assert isinstance(assoc, ReceivingAssociation)
        rejection = assoc.admission()
        if rejection is None:
            super().negotiate_association()
        else:
            assoc.ends(str(rejection))
            assoc.is_rejected = True
            metrics.association_rejections.labels(rejection.code).inc()
            self.send_reject(rejection.result, rejection.source, rejection.diagnostic)


class ReceivingAssociation(Association):
    """A thread that serves one peer: C-ECHO and C-STORE, one message after the other."""

    def __init__(self, server: ReceivingServer, connection: socket.socket, address: AddressInformation) -> None:
        super().__init__(server.ae, MODE_ACCEPTOR)
        self.settings = server.settings
        self._server = self._node = server
        limits = self.settings.receiver
        self.upper_layer = StreamingUpperLayer(self, limits.pdu_bytes_max, limits.pdu_timeout_s, limits.idle_timeout_s)
        self.dul = self.upper_layer
        self.acse = AdmittingAcse(self)
        self.acse_timeout = limits.acse_timeout_s
        self.set_socket(PeerSocket(self, connection, limits.pdu_timeout_s))
        self.requestor.address_info = address
        self.acceptor.address_info = server.address_info
        self.acceptor.ae_title = self.settings.node.ae_title
        self.acceptor.maximum_length = limits.pdu_bytes_max
        self.acceptor.implementation_class_uid = server.ae.implementation_class_uid
        self.acceptor.implementation_version_name = server.ae.implementation_version_name
        self.acceptor.supported_contexts = server.contexts
        self.name = f"association-{address.address}:{address.port}"
        self.messages = self.refused = self.bytes = 0
        self._outcome = ""
        self._sender = Sender("", "", "")
        self._command = bytearray()
        self._request: tuple[int, Command] | None = None
        self._instance: IncomingInstance | None = None
        self._pieces: list[memoryview] = []
        self._data_bytes = 0

    # --- life of the thread ---------------------------------------------------------------------------------------

    def run_reactor(self) -> None:
        began = time.monotonic()
        try:
            self.upper_layer.run_reactor()
        except Exception as error:  # the thread ends here
            log.warning("association failed", exc_info=error)
            self.ends(f"failed: {type(error).__name__}")
            self.upper_layer.abort_at_once()
        finally:
            self._drop_message()
            self.upper_layer.end()
            self._node.forget(self)
            self._log_end(time.monotonic() - began)

    @property
    def should_stop(self) -> bool:
        """Whether the node stops: at once, or when no message is half received."""
        is_receiving = self._request is not None or len(self._command) > 0
        return self._node.is_closing or (self._node.is_draining and not is_receiving)

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
        self._node.leave(self)
        self.is_established = False
        if isinstance(primitive, A_RELEASE):
            self.is_released = True
            self.ends("released")
            self.acse.send_release(is_response=True)
        else:
            self.is_aborted = True
            self.ends("aborted by the peer" if isinstance(primitive, A_ABORT) else "connection lost")

    def admission(self) -> Rejection | None:
        """Decide on the request that has come; None lets the peer in."""
        request = self.requestor.primitive
        assert request is not None
        called, calling = request.called_ae_title or "", request.calling_ae_title or ""
        self._sender = Sender("", calling.strip(" "), called.strip(" "))
        decision = admit(self.settings, called, calling, request.application_context_name or "")
        if isinstance(decision, Rejection):
            return decision
        if not self._node.enter(self):
            return TOO_MANY_ASSOCIATIONS
        self._sender = Sender(decision.source, calling.strip(" "), called.strip(" "))
        return None

    # --- messages -------------------------------------------------------------------------------------------------

    def take(self, fragment: Fragment) -> None:
        """The next fragment of a message (PS3.8 E.2). Raises InvalidPdu when it belongs to none."""
        if fragment.context_id not in self._accepted_cx:
            raise InvalidPdu(f"presentation context {fragment.context_id} was not accepted")
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
        self._command += fragment.data
        if len(self._command) > COMMAND_BYTES_MAX:
            raise InvalidPdu(f"a command set of more than {COMMAND_BYTES_MAX} bytes")
        if fragment.is_last:
            try:
                command = decode_command(self._command)
            except MalformedCommand as error:
                raise InvalidPdu(str(error)) from error
            self._command.clear()
            self._begin(fragment.context_id, command)

    def _begin(self, context_id: int, command: Command) -> None:
        context = self._accepted_cx[context_id]
        if command.field == C_ECHO_RQ and not command.has_data_set:
            is_verification = command.sop_class_uid == context.abstract_syntax == VERIFICATION
            self._answer(context_id, command, SUCCESS if is_verification else _WRONG_CLASS)
        elif command.field == C_STORE_RQ:
            self._instance = self._node.store.begin(
                self._sender, Context(str(context.abstract_syntax), str(context.transfer_syntax[0])), command
            )
            self._request, self._data_bytes = (context_id, command), 0
            if not command.has_data_set:
                self._finish()
        else:
            raise InvalidPdu(f"command 0x{command.field:04X} is not served")

    def _take_data(self, fragment: Fragment) -> None:
        if self._request is None or self._instance is None:
            raise InvalidPdu("a data set without a command")
        if fragment.context_id != self._request[0]:
            raise InvalidPdu("a data set in another presentation context than its command")
        self._pieces.append(fragment.data)
        self._data_bytes += len(fragment.data)
        if self._data_bytes > self.settings.receiver.instance_bytes_max:
            raise InvalidPdu(f"a data set of more than {self.settings.receiver.instance_bytes_max} bytes")
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
        peer_pdu_bytes_max = self.requestor.maximum_length or 0
        self.upper_layer.send_command(context_id, encode_response(command, answer), peer_pdu_bytes_max)

    def _drop_message(self) -> None:
        if self._instance is not None:
            self._instance.discard()
        self._pieces, self._request, self._instance = [], None, None

    def _log_end(self, took_s: float) -> None:
        sender = self._sender
        log.log(
            logging.INFO if sender.calling_ae_title else logging.DEBUG,
            "association ended",
            extra={
                "source": sender.source,
                "calling_ae_title": printable(sender.calling_ae_title),
                "called_ae_title": printable(sender.called_ae_title),
                "address": self.requestor.address,
                "outcome": self._outcome or "connection closed without association",
                "messages": self.messages,
                "refused": self.refused,
                "bytes": self.bytes,
                "took_s": round(took_s, 3),
            },
        )
