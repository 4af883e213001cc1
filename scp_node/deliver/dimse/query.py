"""Query and Retrieve SCU, Study Root: asks an archive what it has, and has it sent (C-FIND and C-MOVE, PS3.4 C.4.1 and
C.4.2). Every answer and wait is bounded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import Enum

from pydicom import Dataset

from scp_node.deliver.dimse.association import Association
from scp_node.deliver.dimse.incoming_message import DimseMessage
from scp_node.deliver.dimse.negotiation import Proposal
from scp_node.deliver.dimse.peer import Peer
from scp_node.deliver.dimse.statuses import FIND_STATUSES, MOVE_STATUSES
from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse import command_set as cs
from scp_node.dimse.data_sets import MalformedDataSet, decoded, encoded
from scp_node.dimse.uids import EXPLICIT_LE, IMPLICIT_LE, STUDY_ROOT_FIND, STUDY_ROOT_MOVE

QUERY_PROPOSALS = tuple(Proposal(STUDY_ROOT_FIND, syntax) for syntax in (EXPLICIT_LE, IMPLICIT_LE))
MOVE_PROPOSALS = tuple(Proposal(STUDY_ROOT_MOVE, syntax) for syntax in (EXPLICIT_LE, IMPLICIT_LE))
# A query for one object has one answer; an archive that does not look at all keys gives more.
ANSWERS_OF_ONE_MAX = 50
_UNKNOWN_STATUS = "it answered a status that the standard does not know"


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


class QueryAssociation:
    """An association for queries, open as long as they follow each other. Raises PeerFault."""

    def __init__(self, peer: Peer, *, moves: bool = False) -> None:
        self._association = Association(peer, (*QUERY_PROPOSALS, *(MOVE_PROPOSALS if moves else ())))
        self._message_id = 0
        self._is_answered = True

    def offers(self, sop_class_uid: str) -> bool:
        return bool(self._association.accepts(sop_class_uid))

    def find(self, keys: Dataset, answers_max: int, within_s: float) -> QueryOutcome:
        """What matches `keys`, which name the Query/Retrieve Level. Of more than `answers_max` no more is read: the
        association cannot be used after that. Raises PeerFault."""
        syntax, answers = self._ask(STUDY_ROOT_FIND, cs.C_FIND_RQ, keys, {}), list[Dataset]()
        for message, status in self._responses(cs.C_FIND_RSP, within_s, self._association.peer.response_timeout_s):
            if status not in cs.PENDING:
                if status == cs.SUCCESS:
                    break
                told = f"{FIND_STATUSES.get(status, _UNKNOWN_STATUS)} [status 0x{status:04X}]"
                return QueryOutcome(Queried.FAILED, message=told)
            if len(answers) == answers_max:
                return QueryOutcome(Queried.ANSWERED, tuple(answers), is_whole=False)
            try:
                answers.append(decoded(message.data_set, syntax))
            except MalformedDataSet as error:
                raise PeerFault("protocol-error", f"an answer to a query: {error}") from error
        return QueryOutcome(Queried.ANSWERED, tuple(answers))

    def move(self, keys: Dataset, destination: str, within_s: float) -> str:
        """Have what `keys` name sent to the AE title `destination`, and wait until it was: an archive need not say
        anything before. Why not all of it was sent, in words; empty where it was. Raises PeerFault."""
        self._ask(STUDY_ROOT_MOVE, cs.C_MOVE_RQ, keys, {cs.MOVE_DESTINATION: destination})
        *_, (_, status) = self._responses(cs.C_MOVE_RSP, within_s, silent_s=within_s)
        told = f"{MOVE_STATUSES.get(status, _UNKNOWN_STATUS)} [status 0x{status:04X}]"
        return "" if status == cs.SUCCESS else told

    def close(self) -> None:
        """In order, unless an answer is still to come."""
        if self._is_answered:
            self._association.release()
        else:
            self._association.abort()

    def _ask(self, sop_class_uid: str, field: int, keys: Dataset, more: dict[int, int | str]) -> str:
        """Send the request; the transfer syntax that answers are in."""
        proposal, context_id = next(
            (one, number) for one, number in self._association.accepted.items() if one.sop_class_uid == sop_class_uid
        )
        self._message_id, self._is_answered = self._association.next_message_id(), False
        command: dict[int, int | str] = {
            cs.AFFECTED_SOP_CLASS_UID: sop_class_uid,
            cs.COMMAND_FIELD: field,
            cs.MESSAGE_ID: self._message_id,
            cs.PRIORITY: cs.PRIORITY_MEDIUM,
            cs.COMMAND_DATA_SET_TYPE: cs.DATA_SET,
        }
        syntax = proposal.transfer_syntax_uid
        self._association.send_message(context_id, {**command, **more}, encoded(keys, syntax))
        return syntax

    def _responses(self, field: int, within_s: float, silent_s: float) -> Iterator[tuple[DimseMessage, int]]:
        """Each response and its status, up to the final one: all of them within `within_s`, none after a silence of
        `silent_s`."""
        ends_at, status = time.monotonic() + within_s, cs.PENDING[0]
        while status in cs.PENDING:
            if time.monotonic() > ends_at:
                raise PeerFault("response-timeout", "its answers did not end")
            message = self._association.read_message(silent_s)
            status = message.answers(field, self._message_id).status
            self._is_answered = status not in cs.PENDING
            yield message, status


def is_held(peer: Peer, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> QueryOutcome:
    """Whether it has one object: then the answer names it, whatever else it names."""
    keys = Dataset()
    keys.QueryRetrieveLevel = "IMAGE"
    keys.StudyInstanceUID, keys.SeriesInstanceUID = study_instance_uid, series_instance_uid
    keys.SOPInstanceUID = sop_instance_uid
    outcome = find(peer, keys, ANSWERS_OF_ONE_MAX, 2 * peer.response_timeout_s)
    mine = tuple(one for one in outcome.answers if str(one.get("SOPInstanceUID", "")) == sop_instance_uid)
    return QueryOutcome(outcome.queried, mine, outcome.is_whole, outcome.message)


def find(peer: Peer, keys: Dataset, answers_max: int, within_s: float) -> QueryOutcome:
    """One query on an association of its own; see QueryAssociation.find."""
    try:
        association = QueryAssociation(peer)
    except PeerFault as fault:
        return QueryOutcome(Queried.FAILED, message=str(fault))
    with closing(association):
        if not association.offers(STUDY_ROOT_FIND):
            return QueryOutcome(Queried.NOT_OFFERED, message="it does not offer queries (C-FIND, Study Root)")
        try:
            return association.find(keys, answers_max, within_s)
        except PeerFault as fault:
            return QueryOutcome(Queried.FAILED, message=str(fault))
