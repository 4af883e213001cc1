"""Storage Commitment Push Model SCU: asks an archive to confirm that it keeps an object (PS3.4 J.3.2).

The request has an association of its own, so that a report on it cannot come between the results for that archive. It
is kept open for a while, because an archive may report on it, or call the receiver instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from scp_node.deliver.dimse.association import Association
from scp_node.deliver.dimse.incoming_message import DimseMessage
from scp_node.deliver.dimse.negotiation import Proposal
from scp_node.deliver.dimse.peer import Peer
from scp_node.deliver.dimse.statuses import ACTION_STATUSES
from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse import command_set as cs
from scp_node.dimse.storage_commitment import REQUEST_ACTION, EventReport, Reply, write_request
from scp_node.dimse.uids import COMMITMENT_INSTANCE, EXPLICIT_LE, IMPLICIT_LE, STORAGE_COMMITMENT

COMMITMENT_PROPOSALS = (Proposal(STORAGE_COMMITMENT, EXPLICIT_LE), Proposal(STORAGE_COMMITMENT, IMPLICIT_LE))
LOOK_EVERY_S = 0.1


class Asked(Enum):
    """How asking ended."""

    ACCEPTED = "accepted"
    NOT_OFFERED = "not offered"
    FAILED = "failed"


@dataclass(frozen=True)
class AskOutcome:
    """`message` says in words what became of a request."""

    asked: Asked
    message: str


@dataclass(frozen=True)
class CommitmentRequest:
    """What is asked of whom."""

    transaction_uid: str
    sop_class_uid: str
    sop_instance_uid: str


def ask(
    peer: Peer,
    request: CommitmentRequest,
    take: Callable[[EventReport], Reply],
    is_answered: Callable[[], bool],
    keep_open_s: float,
) -> AskOutcome:
    """Ask, and give to `take` what comes back on the same association within `keep_open_s`, until `is_answered`."""
    try:
        association = Association(peer, COMMITMENT_PROPOSALS)
    except PeerFault as fault:
        return AskOutcome(Asked.FAILED, str(fault))
    if not association.accepts(STORAGE_COMMITMENT):
        association.release()
        return AskOutcome(Asked.NOT_OFFERED, "it does not offer Storage Commitment")
    try:
        status = _request(association, request, take)
    except PeerFault as fault:
        association.abort()
        return AskOutcome(Asked.FAILED, str(fault))
    if status != 0x0000:
        association.release()
        meaning = ACTION_STATUSES.get(status, "it answered a status that the standard does not know")
        return AskOutcome(Asked.FAILED, f"{meaning} [status 0x{status:04X}]")
    try:
        _wait(association, take, is_answered, keep_open_s)
    except PeerFault:
        association.abort()  # the request was taken; its report may still come to the receiver
    else:
        association.release()
    return AskOutcome(Asked.ACCEPTED, "it took the request")


def _request(association: Association, request: CommitmentRequest, take: Callable[[EventReport], Reply]) -> int:
    """N-ACTION (PS3.7 10.1.4); an archive may report before it answers. The status of the answer."""
    proposal, context_id = next(iter(association.accepted.items()))
    message_id = association.next_message_id()
    command: dict[int, int | str] = {
        cs.REQUESTED_SOP_CLASS_UID: STORAGE_COMMITMENT,
        cs.COMMAND_FIELD: cs.N_ACTION_RQ,
        cs.MESSAGE_ID: message_id,
        cs.COMMAND_DATA_SET_TYPE: cs.DATA_SET,
        cs.REQUESTED_SOP_INSTANCE_UID: COMMITMENT_INSTANCE,
        cs.ACTION_TYPE_ID: REQUEST_ACTION,
    }
    syntax = proposal.transfer_syntax_uid
    data_set = write_request(request.transaction_uid, request.sop_class_uid, request.sop_instance_uid, syntax)
    association.send_message(context_id, command, data_set)
    deadline = time.monotonic() + association.peer.response_timeout_s
    while True:
        message = association.read_message(deadline - time.monotonic())
        field = cs.number_of(message.elements, cs.COMMAND_FIELD)
        if field == cs.N_EVENT_REPORT_RQ:
            _answer_report(association, message, take)
            continue
        return message.answers(cs.N_ACTION_RSP, message_id).status


def _wait(
    association: Association,
    take: Callable[[EventReport], Reply],
    is_answered: Callable[[], bool],
    keep_open_s: float,
) -> None:
    deadline = time.monotonic() + keep_open_s
    while not is_answered() and time.monotonic() < deadline:
        if not association.has_news():
            time.sleep(LOOK_EVERY_S)
            continue
        message = association.read_message(association.peer.response_timeout_s)
        if cs.number_of(message.elements, cs.COMMAND_FIELD) != cs.N_EVENT_REPORT_RQ:
            raise PeerFault("protocol-error", "a message that nobody asked for")
        _answer_report(association, message, take)


def _answer_report(association: Association, message: DimseMessage, take: Callable[[EventReport], Reply]) -> None:
    """Enter a report and answer it (PS3.7 10.1.1)."""
    syntax = {number: proposal.transfer_syntax_uid for proposal, number in association.accepted.items()}
    if message.context_id not in syntax:
        raise PeerFault("protocol-error", "a report in a presentation context that was not accepted")
    event = EventReport(
        ae_title=association.peer.called_ae_title,
        # where the archive leaves them out, the presentation context says them (PS3.4 J.3.5)
        sop_class_uid=cs.text_of(message.elements, cs.AFFECTED_SOP_CLASS_UID) or STORAGE_COMMITMENT,
        sop_instance_uid=cs.text_of(message.elements, cs.AFFECTED_SOP_INSTANCE_UID) or COMMITMENT_INSTANCE,
        event_type=cs.number_of(message.elements, cs.EVENT_TYPE_ID),
        data=message.data_set,
        transfer_syntax_uid=syntax[message.context_id],
    )
    reply = take(event)
    response: dict[int, int | str] = {
        cs.AFFECTED_SOP_CLASS_UID: STORAGE_COMMITMENT,
        cs.COMMAND_FIELD: cs.N_EVENT_REPORT_RSP,
        cs.MESSAGE_ID_BEING_RESPONDED_TO: cs.number_of(message.elements, cs.MESSAGE_ID) or 0,
        cs.COMMAND_DATA_SET_TYPE: cs.NO_DATA_SET,
        cs.STATUS: reply.status,
        cs.AFFECTED_SOP_INSTANCE_UID: COMMITMENT_INSTANCE,
    }
    if reply.comment:
        response[cs.ERROR_COMMENT] = reply.comment[: cs.ERROR_COMMENT_CHARACTERS_MAX]
    association.send_message(message.context_id, response)
