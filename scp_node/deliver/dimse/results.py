"""The presentation contexts in which results are proposed to a remote AE."""

from __future__ import annotations

from scp_node.deliver.dimse.negotiation import Proposal
from scp_node.deliver.result_objects import RESULT_CLASSES, RESULT_SYNTAXES
from scp_node.dimse.uids import IMPLICIT_LE, VERIFICATION

# Each class and syntax is a context of its own, so that the archive's preference never decides how we must encode.
RESULT_PROPOSALS: tuple[Proposal, ...] = (
    Proposal(VERIFICATION, IMPLICIT_LE),
    *(Proposal(sop_class, syntax) for sop_class in RESULT_CLASSES for syntax in RESULT_SYNTAXES),
)
