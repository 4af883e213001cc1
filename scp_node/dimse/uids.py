"""Unique identifiers: what one is (PS3.5 9.1), what is taken for one, and those of PS3.6 A that the node names.

The storage classes of images, Secondary Capture among them, are in converter.image.sop_classes.
"""

from __future__ import annotations

import re

APPLICATION_CONTEXT_NAME = "1.2.840.10008.3.1.1.1"

VERIFICATION = "1.2.840.10008.1.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
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
_UID_AS_SENT = re.compile(rf"[0-9.]{{1,{UID_CHARACTERS_MAX}}}")
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")


def is_uid(value: str) -> bool:
    """Whether `value` is a UID (PS3.5 9.1): what this node makes is."""
    return len(value) <= UID_CHARACTERS_MAX and _UID.fullmatch(value) is not None


def is_uid_as_sent(value: str) -> bool:
    """Whether `value` tells objects apart as a UID does: digits and dots, 64 at most, however they are arranged.

    Devices send components that begin with zeros, and archives keep them so. Who accepts one keeps it as it is.
    """
    return _UID_AS_SENT.fullmatch(value) is not None
