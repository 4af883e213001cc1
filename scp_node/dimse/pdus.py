"""Protocol data units of the upper layer: types, headers and control bits (PS3.8 9.3), to receive and to send."""

from __future__ import annotations

import struct

A_ASSOCIATE_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, P_DATA_TF = 0x01, 0x02, 0x03, 0x04
A_RELEASE_RQ, A_RELEASE_RP, A_ABORT = 0x05, 0x06, 0x07

# Type and length of the rest.
PDU_HEADER = struct.Struct(">BxL")
# Length of the rest, presentation context ID, message control header.
PDV_HEADER = struct.Struct(">LBB")
_P_DATA_HEADER = struct.Struct(">BxLLBB")

# Bits of the message control header (PS3.8 E.2).
COMMAND, LAST = 0x01, 0x02

# What pynetdicom raises for a PDU that it cannot read, or cannot make a primitive of.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, struct.error)


def p_data(context_id: int, control: int, fragment: bytes) -> bytes:
    """A P-DATA-TF PDU with `fragment` as its one PDV."""
    length = PDV_HEADER.size + len(fragment)
    return _P_DATA_HEADER.pack(P_DATA_TF, length, length - 4, context_id, control) + fragment
