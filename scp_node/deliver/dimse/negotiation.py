"""The negotiation of an association as requestor: what is proposed, and what was answered (PS3.8 9.3.2 to 9.3.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydicom.uid import UID
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext

from converter.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp_node.deliver.dimse.peer import Peer
from scp_node.deliver.dimse.statuses import REJECTIONS
from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse import pdus
from scp_node.dimse.association_pdus import MalformedAssociation, read_accept
from scp_node.dimse.uids import APPLICATION_CONTEXT_NAME

CONTEXTS_MAX = 128
# Largest PDU we send when the peer sets no limit, and the largest we offer to receive: responses are small.
PDU_BYTES_SENT_MAX = 131072
PDU_BYTES_RECEIVED_MAX = 16384


@dataclass(frozen=True)
class Proposal:
    """One presentation context to propose: a SOP class and the one transfer syntax it would be sent in."""

    sop_class_uid: str
    transfer_syntax_uid: str


@dataclass(frozen=True)
class Accepted:
    """What a peer agreed to: presentation context IDs, and how large a PDU it takes."""

    contexts: dict[Proposal, int] = field(default_factory=dict)
    pdu_bytes_max: int = PDU_BYTES_SENT_MAX


def associate_request(peer: Peer, proposals: Sequence[Proposal]) -> bytes:
    """The A-ASSOCIATE-RQ that proposes each of `proposals` as a context of its own."""
    if not 0 < len(proposals) <= CONTEXTS_MAX:
        raise ValueError(f"an association has 1 to {CONTEXTS_MAX} presentation contexts, not {len(proposals)}")
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID(APPLICATION_CONTEXT_NAME)
    primitive.calling_ae_title = peer.calling_ae_title
    primitive.called_ae_title = peer.called_ae_title
    primitive.presentation_context_definition_list = [
        _context(number, proposal) for number, proposal in _numbered(proposals).items()
    ]
    length = MaximumLengthNotification()
    length.maximum_length_received = PDU_BYTES_RECEIVED_MAX
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    primitive.user_information = [length, implementation, version]
    request = A_ASSOCIATE_RQ()
    request.from_primitive(primitive)
    data: bytes = request.encode()
    return data


def read_answer(pdu_type: int, data: bytes, proposals: Sequence[Proposal]) -> Accepted:
    """What the answer to a request with these proposals agrees to. Raises PeerFault when it is no A-ASSOCIATE-AC."""
    if pdu_type == pdus.A_ABORT:
        raise PeerFault("aborted", "in answer to the association request")
    if pdu_type == pdus.A_ASSOCIATE_RJ:
        reason = struct.unpack(">BBB", data[7:10].ljust(3, b"\0"))
        raise PeerFault(REJECTIONS.get(reason, "rejected"), "result/source/reason {}/{}/{}".format(*reason))
    if pdu_type != pdus.A_ASSOCIATE_AC:
        raise PeerFault("protocol-error", f"PDU type {pdu_type:02X} in answer to the association request")
    try:
        accept = read_accept(data)
    except MalformedAssociation as error:
        raise PeerFault("protocol-error", f"its answer to the association request cannot be read: {error}") from error
    contexts = {
        proposal: number
        for number, proposal in _numbered(proposals).items()
        if accept.contexts.get(number) in ((0, proposal.transfer_syntax_uid), (0, ""))  # it can mean no other syntax
    }
    limit = accept.pdu_bytes_max or PDU_BYTES_SENT_MAX
    return Accepted(contexts, max(min(limit, PDU_BYTES_SENT_MAX), 2 * pdus.PDV_HEADER.size))


def _numbered(proposals: Sequence[Proposal]) -> dict[int, Proposal]:
    """By presentation context ID, which is an odd number (PS3.8 9.3.2.2)."""
    return {2 * index + 1: proposal for index, proposal in enumerate(proposals)}


def _context(number: int, proposal: Proposal) -> PresentationContext:
    context = PresentationContext()
    context.context_id = number
    context.abstract_syntax = UID(proposal.sop_class_uid)
    context.transfer_syntax = [UID(proposal.transfer_syntax_uid)]
    return context
