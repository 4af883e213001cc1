"""The SOP classes and transfer syntaxes in which results are sent, with the names that people see."""

from __future__ import annotations

from converter.result.kinds.table import KIND_NAMES, RESULT_KINDS
from scp_node.dimse.uids import EXPLICIT_LE, IMPLICIT_LE

RESULT_CLASSES: dict[str, str] = {
    uid: name for kind in KIND_NAMES for uid, name in RESULT_KINDS[kind].sop_classes.items()
}
RESULT_SYNTAXES: dict[str, str] = {EXPLICIT_LE: "Explicit VR LE", IMPLICIT_LE: "Implicit VR LE"}
