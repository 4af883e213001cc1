"""Unique identifiers: what one is (PS3.5 9.1), and those of the standard that the node names itself (PS3.6 A).

The storage classes of images, Secondary Capture among them, are in converter.image.sop_classes.
"""

from __future__ import annotations

import re

APPLICATION_CONTEXT_NAME = "1.2.840.10008.3.1.1.1"

VERIFICATION = "1.2.840.10008.1.1"
STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"
# Both sides name this one instance of the SOP class (PS3.4 J.3.5).
COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"

UID_CHARACTERS_MAX = 64
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")


def is_uid(value: str) -> bool:
    """Whether `value` is a UID (PS3.5 9.1)."""
    return len(value) <= UID_CHARACTERS_MAX and _UID.fullmatch(value) is not None
