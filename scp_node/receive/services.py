"""Which messages are served in which presentation context, and by what: C-ECHO, C-STORE, reports on commitment."""

from __future__ import annotations

from scp_node.dimse.command_set import C_ECHO_RQ, C_STORE_RQ, N_ACTION_RQ, N_EVENT_REPORT_RQ
from scp_node.dimse.requests import SUCCESS, UNRECOGNISED_OPERATION, Answer, Command
from scp_node.dimse.uids import STORAGE_COMMITMENT, VERIFICATION
from scp_node.intake.store import Context, Requestor
from scp_node.receive.commitment_reports import IncomingReport
from scp_node.receive.message import DataSetSink
from scp_node.receive.pdu_stream import InvalidPdu
from scp_node.receive.shared import Shared

WRONG_CLASS = Answer(0x0122, "the SOP class is not that of the presentation context")
NOT_SERVED = Answer(UNRECOGNISED_OPERATION, "this node serves C-ECHO and C-STORE only")
NO_COMMITMENT = Answer(UNRECOGNISED_OPERATION, "this node asks for storage commitment, it gives none")


def serve(shared: Shared, sender: Requestor, context: Context, command: Command) -> DataSetSink | Answer:
    """What takes the data set of this message, or its answer, which then holds whatever the data set is. Raises
    InvalidPdu for an answer that nobody asked for."""
    if command.field == C_ECHO_RQ:
        is_verification = command.sop_class_uid == context.abstract_syntax == VERIFICATION
        return SUCCESS if is_verification else WRONG_CLASS
    if command.field == C_STORE_RQ:
        return shared.store.begin(sender, context, command)
    is_commitment = context.abstract_syntax == STORAGE_COMMITMENT
    if command.field == N_EVENT_REPORT_RQ and is_commitment:
        return IncomingReport(shared.reports, sender, context, command)
    if not command.is_request:
        raise InvalidPdu(f"response 0x{command.field:04X} that nobody asked for")
    return NO_COMMITMENT if command.field == N_ACTION_RQ and is_commitment else NOT_SERVED
