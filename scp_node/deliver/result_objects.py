"""The SOP classes and transfer syntaxes of results, with the names that people see."""

from __future__ import annotations

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR, EXPLICIT_LE, IMPLICIT_LE

RESULT_CLASSES: dict[str, str] = {
    COMPREHENSIVE_3D_SR: "Comprehensive 3D SR",
    COMPREHENSIVE_SR: "Comprehensive SR",
    SECONDARY_CAPTURE: "Secondary Capture",
}
RESULT_SYNTAXES: dict[str, str] = {EXPLICIT_LE: "Explicit VR LE", IMPLICIT_LE: "Implicit VR LE"}
