"""How urgent an image may be: the priorities there are, and the terms of DICOM for them."""

from __future__ import annotations

from typing import Literal, get_args

Priority = Literal["stat", "high", "routine", "low"]
# The most urgent first: the place of a priority here is its rank.
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
STAT, HIGH, ROUTINE, LOW = range(len(PRIORITIES))
# Requested Procedure Priority (0040,1003) and Scheduled Procedure Step Priority (0074,1200), whose MEDIUM is what the
# former calls ROUTINE (PS3.3 C.4.11, PS3.4 CC.2.5).
KEYWORDS = ("RequestedProcedurePriority", "ScheduledProcedureStepPriority")
DEFINED_TERMS: dict[str, int] = {"STAT": STAT, "HIGH": HIGH, "ROUTINE": ROUTINE, "MEDIUM": ROUTINE, "LOW": LOW}
