"""Query SCU, Study Root: asks an archive what it has, by C-FIND (PS3.4 C.4.1). Every answer and wait is bounded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum

from pydicom import Dataset

from scp_node.deliver.dimse.association import Association
from scp_node.deliver.dimse.negotiation import Proposal
from scp_node.deliver.dimse.peer import Peer
from scp_node.deliver.dimse.statuses import FIND_STATUSES
from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse import command_set as cs
from scp_node.dimse.data_sets import MalformedDataSet, decoded, encoded
from scp_node.dimse.uids import EXPLICIT_LE, IMPLICIT_LE, STUDY_ROOT_FIND

QUERY_PROPOSALS = (Proposal(STUDY_ROOT_FIND, EXPLICIT_LE), Proposal(STUDY_ROOT_FIND, IMPLICIT_LE))
# A query for one object has one answer; an archive that does not look at all keys gives more.
ANSWERS_OF_ONE_MAX = 50


class Queried(Enum):
    """How a query ended."""

    ANSWERED = "answered"
    NOT_OFFERED = "not offered"
    FAILED = "failed"


@dataclass(frozen=True)
class QueryOutcome:
    """`answers`: the identifiers that came. `is_whole`: there were no more. `message`: what went wrong, in words."""

    queried: Queried
    answers: tuple[Dataset, ...] = ()
    is_whole: bool = True
    message: str = ""


def find(peer: Peer, keys: Dataset, answers_max: int, within_s: float) -> QueryOutcome:
    """What matches `keys`, which name the Query/Retrieve Level: at most so many answers, for at most so long; an
    archive that has more is left."""
    try:
        association = Association(peer, QUERY_PROPOSALS)
    except PeerFault as fault:
        return QueryOutcome(Queried.FAILED, message=str(fault))
    if not association.accepts(STUDY_ROOT_FIND):
        association.release()
        return QueryOutcome(Queried.NOT_OFFERED, message="it does not offer queries (C-FIND, Study Root)")
    try:
        outcome = _ask(association, keys, answers_max, within_s)
    except PeerFault as fault:
        association.abort()
        return QueryOutcome(Queried.FAILED, message=str(fault))
    if outcome.is_whole:
        association.release()
    else:
        association.abort()
    return outcome


def is_held(peer: Peer, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> QueryOutcome:
    """Whether it has one object: then the answer names it, whatever else it names."""
    keys = Dataset()
    keys.QueryRetrieveLevel = "IMAGE"
    keys.StudyInstanceUID, keys.SeriesInstanceUID = study_instance_uid, series_instance_uid
    keys.SOPInstanceUID = sop_instance_uid
    outcome = find(peer, keys, ANSWERS_OF_ONE_MAX, 2 * peer.response_timeout_s)
    mine = tuple(one for one in outcome.answers if str(one.get("SOPInstanceUID", "")) == sop_instance_uid)
    return QueryOutcome(outcome.queried, mine, outcome.is_whole, outcome.message)


def _ask(association: Association, keys: Dataset, answers_max: int, within_s: float) -> QueryOutcome:
    proposal, context_id = next(iter(association.accepted.items()))
    message_id, syntax = association.next_message_id(), proposal.transfer_syntax_uid
    command: dict[int, int | str] = {
        cs.AFFECTED_SOP_CLASS_UID: STUDY_ROOT_FIND,
        cs.COMMAND_FIELD: cs.C_FIND_RQ,
        cs.MESSAGE_ID: message_id,
        cs.PRIORITY: cs.PRIORITY_MEDIUM,
        cs.COMMAND_DATA_SET_TYPE: cs.DATA_SET,
    }
    association.send_message(context_id, command, encoded(keys, syntax))
    answers: list[Dataset] = []
    ends_at = time.monotonic() + within_s
    while True:
        if time.monotonic() > ends_at:
            raise PeerFault("response-timeout", "its answers to a query did not end")
        message = association.read_message(association.peer.response_timeout_s)
        status = message.answers(cs.C_FIND_RSP, message_id).status
        if status not in cs.PENDING:
            break
        if len(answers) == answers_max:
            return QueryOutcome(Queried.ANSWERED, tuple(answers), is_whole=False)
        try:
            answers.append(decoded(message.data_set, syntax))
        except MalformedDataSet as error:
            raise PeerFault("protocol-error", f"an answer to a query: {error}") from error
    if status == cs.SUCCESS:
        return QueryOutcome(Queried.ANSWERED, tuple(answers))
    meaning = FIND_STATUSES.get(status, "it answered a status that the standard does not know")
    return QueryOutcome(Queried.FAILED, message=f"{meaning} [status 0x{status:04X}]")
