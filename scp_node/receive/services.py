"""Which messages are served in which presentation context, and by what: C-ECHO, C-STORE, reports on commitment."""

from __future__ import annotations

from scp_node.dimse.command_set import C_ECHO_RQ, C_STORE_RQ, N_EVENT_REPORT_RQ
from scp_node.dimse.requests import SUCCESS, Answer, Command
from scp_node.dimse.uids import STORAGE_COMMITMENT, VERIFICATION
from scp_node.intake.store import Context, Requestor
from scp_node.receive.commitment_reports import IncomingReport
from scp_node.receive.message import DataSetSink
from scp_node.receive.pdu_stream import InvalidPdu
from scp_node.receive.shared import Shared

WRONG_CLASS = Answer(0x0122, "the SOP class is not that of the presentation context")


def serve(shared: Shared, sender: Requestor, context: Context, command: Command) -> DataSetSink | Answer:
    """What takes the data set of this message, or its answer. Raises InvalidPdu where the message is not served."""
    if command.field == C_ECHO_RQ and not command.has_data_set:
        is_verification = command.sop_class_uid == context.abstract_syntax == VERIFICATION
        return SUCCESS if is_verification else WRONG_CLASS
    if command.field == C_STORE_RQ:
        return shared.store.begin(sender, context, command)
    if command.field == N_EVENT_REPORT_RQ and context.abstract_syntax == STORAGE_COMMITMENT:
        return IncomingReport(shared.reports, sender, context, command)
    raise InvalidPdu(f"command 0x{command.field:04X} is not served")
