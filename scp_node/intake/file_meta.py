"""The head of a file in the spool: preamble, prefix and file meta information of our own making (PS3.10 7.1)."""

from __future__ import annotations

import struct

from converter.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

# Zeros: with another preamble a file could be one of another format as well (PS3.10 7.5).
_PREAMBLE = bytes(128)
_VERSION = b"\x00\x01"


def file_head(
    sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, sending: str = "", receiving: str = ""
) -> bytes:
    """Everything before the data set, which follows as it was received. `sending` and `receiving` are AE titles: by
    them a ledger that is made anew from the spool knows where an object came from."""
    meta = b"".join(
        (
            struct.pack("<HH2sxxL", 0x0002, 0x0001, b"OB", len(_VERSION)) + _VERSION,
            _element(0x0002, b"UI", sop_class_uid),
            _element(0x0003, b"UI", sop_instance_uid),
            _element(0x0010, b"UI", transfer_syntax_uid),
            _element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID),
            _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME),
            *(_element(number, b"AE", title) for number, title in ((0x0017, sending), (0x0018, receiving)) if title),
        )
    )
    return _PREAMBLE + b"DICM" + struct.pack("<HH2sHL", 0x0002, 0x0000, b"UL", 4, len(meta)) + meta


def _element(number: int, vr: bytes, text: str) -> bytes:
    value = text.encode("ascii", "replace")
    if len(value) % 2:
        value += b"\0" if vr == b"UI" else b" "
    return struct.pack("<HH2sH", 0x0002, number, vr, len(value)) + value
