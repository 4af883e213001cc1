"""Makes requests, commands and data sets, right or wrong, as the bytes that a peer sends."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any

from tests.support.dicom.phantoms import make_dx
from tests.support.node.receiving import data_set_bytes
from tests.support.peers.raw_scu import (
    COMMAND_LAST,
    DATA,
    DATA_LAST,
    EXPLICIT_LE,
    IMPLICIT_LE,
    VERIFICATION,
    associate_request,
    command_set,
    p_data,
    pdv,
    request_item,
    store_command,
)

DX, CR, CT = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.2"
BIG_ENDIAN, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
# Presentation contexts 1, 3, 5, 7 and 9
CONTEXTS = [
    (DX, EXPLICIT_LE),
    (VERIFICATION, EXPLICIT_LE),
    (DX, DEFLATED),
    (DX, IMPLICIT_LE),
    (DX, BIG_ENDIAN),
]
PDU_BYTES_MAX = 131072
# Nothing with these words may be seen in a log.
CANARY = "Phantom^Patient"
DS = make_dx(rows=64, columns=64, PatientName=CANARY)
UID, DATA_SET = str(DS.SOPInstanceUID), data_set_bytes(DS)


def request(*contexts: tuple[str, str], called: str = "HILUM", calling: str = "MODALITY", **more: Any) -> bytes:
    return associate_request(contexts or [(VERIFICATION, EXPLICIT_LE)], called, calling, **more)


def request_of(*items: bytes, version: int = 1) -> bytes:
    """An A-ASSOCIATE-RQ of these variable items."""
    body = struct.pack(">HH", version, 0) + b"HILUM".ljust(16) + b"MODALITY".ljust(16) + bytes(32) + b"".join(items)
    return pdu(0x01, body)


APPLICATION = request_item(0x10, b"1.2.840.10008.3.1.1.1")
MAXIMUM_LENGTH = request_item(0x51, struct.pack(">L", 16384))
USER = request_item(0x50, MAXIMUM_LENGTH + request_item(0x52, b"1.2.3.4.5"))


def context(context_id: int, *syntaxes: str, abstract: str = VERIFICATION) -> bytes:
    names = request_item(0x30, abstract.encode()) + b"".join(request_item(0x40, one.encode()) for one in syntaxes)
    return request_item(0x20, bytes((context_id, 0, 0, 0)) + names)


def user(*items: bytes) -> bytes:
    return request_item(0x50, MAXIMUM_LENGTH + b"".join(items))


ITEMS = (APPLICATION, context(1, IMPLICIT_LE), USER)
ODD, MANY = range(1, 256, 2), ["1.2.3"] * 2000


def pdu(pdu_type: int, body: bytes, length: int | None = None) -> bytes:
    return struct.pack(">BxL", pdu_type, len(body) if length is None else length) + body


def command(data: bytes, context_id: int = 3) -> bytes:
    return p_data(pdv(context_id, COMMAND_LAST, data))


def other_command(field: int, has_data_set: bool = False, **more: bytes) -> bytes:
    """A request of a service that the node does not have."""
    elements = {0x100: struct.pack("<H", field), 0x110: b"\1\0", 0x800: b"\1\0" if has_data_set else b"\1\1"}
    elements[0x002] = VERIFICATION.encode() + b"\0"
    return command(command_set(elements))


def store(
    data: bytes = DATA_SET,
    sop_class: str = DX,
    sop_instance: str = UID,
    context_id: int = 1,
    step: int = PDU_BYTES_MAX - 6,
) -> bytes:
    """A whole C-STORE message."""
    message = [p_data(pdv(context_id, COMMAND_LAST, store_command(sop_class, sop_instance)))]
    for start in range(0, max(len(data), 1), step):
        control = DATA_LAST if start + step >= len(data) else DATA
        message.append(p_data(pdv(context_id, control, data[start : start + step])))
    return b"".join(message)


def element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """Explicit VR Little Endian; `length` may lie."""
    length = len(value) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in ("OB", "OW", "SQ", "UN", "UT"):
        return head + struct.pack("<xxL", length) + value
    return head + struct.pack("<H", length) + value


IDENTITY: Mapping[int, bytes] = {
    0x00080016: element(0x00080016, "UI", DX.encode() + b"\0"),
    0x00080018: element(0x00080018, "UI", UID.encode() + b"\0" * (len(UID) % 2)),
    0x0020000D: element(0x0020000D, "UI", b"1.2.5\0"),
    0x0020000E: element(0x0020000E, "UI", b"1.2.6\0"),
}


def image(elements: Mapping[int, bytes] | None = None) -> bytes:
    """A data set with the identity of the phantom and these encoded elements, in order of their tags."""
    return b"".join(value for _, value in sorted({**IDENTITY, **(elements or {})}.items()))


def deflated(data: bytes, zeros: int = 0) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts = [compressor.compress(data)]
    parts += [compressor.compress(bytes(2**20)) for _ in range(zeros // 2**20)]
    return b"".join([*parts, compressor.flush()])


ITEM, ITEM_END = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF), struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
SEQUENCE_END = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


def nested(depth: int, tag: int = 0x00081140) -> bytes:
    """Sequences of undefined length, one in the other."""
    begin = element(tag, "SQ", b"", 0xFFFFFFFF) + ITEM
    return begin * depth + (ITEM_END + SEQUENCE_END) * depth


def pixels(rows: int, columns: int, data: bytes, length: int | None = None, bits: int = 16) -> dict[int, bytes]:
    def number(tag: int, value: int) -> bytes:
        return element(tag, "US", struct.pack("<H", value))

    return {
        0x00280002: number(0x00280002, 1),
        0x00280010: number(0x00280010, rows),
        0x00280011: number(0x00280011, columns),
        0x00280100: number(0x00280100, bits),
        0x00280101: number(0x00280101, bits),
        0x7FE00010: element(0x7FE00010, "OW", data, length),
    }
