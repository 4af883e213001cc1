"""What broken and hostile peers send, as a table: name, bytes, and the answer each of them gets.

Cases of `CONNECTIONS` are sent on a bare connection, those of `ASSOCIATIONS` on an association with `CONTEXTS`. After
its answer a case's association is gone (ABORTED, GONE) or goes on.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

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
    echo_command,
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


@dataclass(frozen=True)
class Gone:
    """The association or connection ends: with A-ABORT or, where `or_closed`, possibly without."""

    or_closed: bool = False


@dataclass(frozen=True)
class Rejected:
    """A-ASSOCIATE-RJ with result, source and reason."""

    result: int
    source: int
    reason: int


@dataclass(frozen=True)
class Accepted:
    """A-ASSOCIATE-AC with this many accepted contexts; the peer then releases."""

    contexts: int


@dataclass(frozen=True)
class Status:
    """A response with this status, and a comment with these words; then the association goes on."""

    code: int
    comment: str = ""


@dataclass(frozen=True)
class Stored:
    """0x0000 to a C-STORE: the instance is kept."""


Answer = Gone | Rejected | Accepted | Status | Stored
ABORTED, GONE = Gone(), Gone(or_closed=True)
SERVED, STORED = Status(0x0000), Stored()


@dataclass(frozen=True)
class Case:
    name: str
    sends: bytes
    answer: Answer


# --- how the bytes are made ---------------------------------------------------------------------------------------


def request(*contexts: tuple[str, str], called: str = "HILUM", calling: str = "MODALITY", **more: str) -> bytes:
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


# --- on a connection ----------------------------------------------------------------------------------------------

CONNECTIONS = [
    # who may associate (PS3.8 9.3.4)
    Case("called AE title of another node", request(called="OTHER"), Rejected(1, 1, 7)),
    Case("called AE title that begins like ours", request(called="HILUM2"), Rejected(1, 1, 7)),
    Case("called AE title in lower case", request(called="hilum"), Rejected(1, 1, 7)),
    Case("calling AE title nobody knows", request(calling="NOBODY"), Rejected(1, 1, 3)),
    Case("calling AE title that may only receive", request(calling="ARCHIVE"), Rejected(1, 1, 3)),
    Case("calling AE title that is a path", request(calling="../../etc/x"), Rejected(1, 1, 3)),
    Case("calling AE title that is a tag", request(calling="<script>"), Rejected(1, 1, 3)),
    Case("calling AE title that is a formula", request(calling="=cmd|'/C calc'"), Rejected(1, 1, 3)),
    Case("other application context", request(application_context="1.2.3.4"), Rejected(1, 1, 2)),
    Case("other protocol version", request_of(*ITEMS, version=2), Rejected(1, 2, 2)),
    Case("calling AE title outside ASCII", request(calling="MOD\xc4LITY"), GONE),
    Case("calling AE title with a line of its own", request(calling="EVIL\r\nINFO x"), GONE),
    Case("calling AE title with escape codes", request(calling="A\x1b[31mB\tC"), GONE),
    Case("calling AE title of spaces", request(calling="   "), GONE),
    # what an A-ASSOCIATE-RQ may hold
    Case("nothing acceptable", request((CT, EXPLICIT_LE), (DX, "1.2.3")), Accepted(0)),
    Case("no context at all", request_of(APPLICATION, USER), Accepted(0)),
    Case("128 contexts", request_of(APPLICATION, *[context(n, IMPLICIT_LE) for n in ODD], USER), Accepted(128)),
    Case("a context of 2,000 syntaxes", request_of(APPLICATION, context(1, *MANY, IMPLICIT_LE), USER), Accepted(1)),
    Case("more than a control PDU may hold", request_of(*[context(1, *["1.2.3"] * 5000)] * 3, USER), GONE),
    Case("abstract syntax that is no UID", request(("not a uid", EXPLICIT_LE)), Accepted(0)),
    Case("transfer syntax that is no UID", request((VERIFICATION, "1" * 200)), GONE),
    Case("context without transfer syntax", request_of(APPLICATION, context(1), USER), GONE),
    Case("context of an even number", request_of(APPLICATION, context(2, IMPLICIT_LE), USER), GONE),
    Case("context number zero", request_of(APPLICATION, context(0, IMPLICIT_LE), USER), GONE),
    Case("no application context", request_of(context(1, IMPLICIT_LE), USER), GONE),
    Case("no user information", request_of(APPLICATION, context(1, IMPLICIT_LE)), Accepted(1)),
    Case("no items", request_of(), GONE),
    Case("item of a type that is not known", request_of(APPLICATION, request_item(0x77, b"?" * 50), USER), GONE),
    Case("item longer than the PDU", request_of(APPLICATION, b"\x20\0\xff\xff\1\0\0\0", USER), GONE),
    Case("sub-item longer than its item", request_of(APPLICATION, request_item(0x50, b"\x51\0\xff\xff\0\0")), GONE),
    Case("item of length zero", request_of(APPLICATION, request_item(0x20, b""), USER), GONE),
    Case("implementation version outside ASCII", request()[:-1] + b"\xff", GONE),
    Case(
        "asynchronous operations asked for",
        request_of(APPLICATION, context(1, IMPLICIT_LE), user(request_item(0x53, struct.pack(">HH", 100, 100)))),
        Accepted(1),
    ),
    Case(
        "maximum length zero and one of 4 GiB",
        request_of(APPLICATION, context(1, IMPLICIT_LE), request_item(0x50, request_item(0x51, b"\xff" * 4))),
        Accepted(1),
    ),
    Case(
        "SOP class extended negotiation of nonsense",
        request_of(APPLICATION, context(1, IMPLICIT_LE), user(request_item(0x56, b"\0\5" + b"1.2.3" + bytes(5000)))),
        Accepted(1),
    ),
    # what is no A-ASSOCIATE-RQ
    Case("HTTP", b"GET / HTTP/1.1\r\nHost: hilum\r\n\r\n", GONE),
    Case("TLS hello where TLS is off", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32), GONE),
    Case("empty A-ASSOCIATE-RQ", pdu(0x01, b""), GONE),
    Case("A-ASSOCIATE-RQ of zeros", pdu(0x01, bytes(20)), GONE),
    Case("A-ASSOCIATE-RQ of 4 GiB", pdu(0x01, b"", 2**32 - 1), GONE),
    Case("A-ASSOCIATE-AC", pdu(0x02, bytes(100)), GONE),
    Case("A-ASSOCIATE-RJ", pdu(0x03, bytes(4)), GONE),
    Case("A-RELEASE-RQ first", pdu(0x05, bytes(4)), GONE),
    Case("A-RELEASE-RP first", pdu(0x06, bytes(4)), GONE),
    Case("A-ABORT first", pdu(0x07, bytes(4)), GONE),
    Case("unknown PDU type", pdu(0x09, bytes(4)), GONE),
    Case("P-DATA first", command(echo_command(), 1), GONE),
    Case("zeros", bytes(64), GONE),
    Case("0xFF", b"\xff" * 64, GONE),
]  # fmt: skip


# --- on an association --------------------------------------------------------------------------------------------

ASSOCIATIONS = [
    # PDUs (PS3.8 9.3)
    Case("second A-ASSOCIATE-RQ", request(), ABORTED),
    Case("A-ASSOCIATE-AC in mid association", pdu(0x02, bytes(100)), ABORTED),
    Case("A-ASSOCIATE-RJ in mid association", pdu(0x03, bytes(4)), ABORTED),
    Case("A-RELEASE-RP nobody asked for", pdu(0x06, bytes(4)), ABORTED),
    Case("A-RELEASE-RQ of 100 bytes", pdu(0x05, bytes(100)), ABORTED),
    Case("PDU of type 0", bytes(64), ABORTED),
    Case("PDU of type 0xFF", b"\xff" * 64, ABORTED),
    Case("P-DATA one byte over the negotiated maximum", pdu(0x04, b"", PDU_BYTES_MAX + 1), ABORTED),
    Case("P-DATA of 16 MiB", pdu(0x04, b"", 2**24), ABORTED),
    Case("P-DATA of 4 GiB", pdu(0x04, b"", 2**32 - 1), ABORTED),
    Case("empty P-DATA", pdu(0x04, b""), ABORTED),
    Case("P-DATA with half a PDV header", pdu(0x04, bytes(4)), ABORTED),
    Case("PDV of 2 GiB", pdu(0x04, struct.pack(">L", 2**31) + bytes(96)), ABORTED),
    Case("PDV without message control header", pdu(0x04, struct.pack(">LBB", 1, 1, 3) + bytes(8)), ABORTED),
    Case("PDV that leaves a rest", pdu(0x04, pdv(3, COMMAND_LAST, echo_command()) + b"\0\0\0"), ABORTED),
    Case("half a PDU header", b"\x04", ABORTED),
    Case("half a PDU", p_data(pdv(1, 3, bytes(200)))[:50], ABORTED),
    Case("garbage within a data set", command(store_command(DX, UID), 1) + b"\xde\xad\xbe\xef" * 100, ABORTED),
    # fragments (PS3.8 E.2)
    Case("context that was not offered", command(echo_command(), 77), ABORTED),
    Case("context of an even number", command(echo_command(), 2), ABORTED),
    Case("data without a command", p_data(pdv(1, DATA_LAST, b"data")), ABORTED),
    Case("command within a data set", command(store_command(DX, UID), 1) + command(echo_command()), ABORTED),
    Case(
        "command in two contexts",
        p_data(pdv(1, 1, echo_command()[:20]), pdv(3, COMMAND_LAST, echo_command()[20:])),
        ABORTED,
    ),
    Case("data set in another context", command(store_command(DX, UID), 1) + p_data(pdv(5, DATA, b"x")), ABORTED),
    Case("command of 20,000 empty fragments", p_data(*[pdv(3, 0x01, b"")] * 20000) + command(b""), ABORTED),
    Case(
        "data set of 20,000 empty fragments",
        command(store_command(DX, UID), 1) + p_data(*[pdv(1, DATA, b"")] * 20000) + p_data(pdv(1, DATA_LAST, b"")),
        ABORTED,
    ),
    Case("reserved bits of the message control header", p_data(pdv(3, 0xFF, echo_command())), SERVED),
    # command sets (PS3.7 6.3, 9.3, 10.3)
    Case("empty command set", command(b""), ABORTED),
    Case("command set that is none", command(b"no command set"), ABORTED),
    Case("command set of 16 KiB and one byte", p_data(pdv(3, COMMAND_LAST, bytes(16385))), ABORTED),
    Case("command set in explicit VR", command(element(0x00000100, "US", b"\x30\0")), ABORTED),
    Case("command set of another group", command(struct.pack("<HHLH", 8, 0x100, 2, 0x30)), ABORTED),
    Case("command element of 4 GiB", command(struct.pack("<HHL", 0, 0x100, 2**32 - 1) + b"\x30\0"), ABORTED),
    Case("command set cut off", command(echo_command()[:-3]), ABORTED),
    Case("command without command field", command(command_set({0x110: b"\1\0", 0x800: b"\1\1"})), ABORTED),
    Case("command without message id", command(command_set({0x100: b"\x30\0", 0x800: b"\1\1"})), ABORTED),
    Case("command without data set type", command(command_set({0x100: b"\x30\0", 0x110: b"\1\0"})), ABORTED),
    Case("command field of one byte", command(command_set({0x100: b"\x30", 0x110: b"\1\0", 0x800: b"\1\1"})), ABORTED),
    Case("unknown command field", other_command(0x0FFF), ABORTED),
    Case("C-FIND-RQ", other_command(0x0020, has_data_set=True), ABORTED),
    Case("C-GET-RQ", other_command(0x0010, has_data_set=True), ABORTED),
    Case("C-MOVE-RQ", other_command(0x0021, has_data_set=True), ABORTED),
    Case("C-CANCEL-RQ, a thousand times", other_command(0x0FFF) * 1000, GONE),
    Case("N-GET-RQ", other_command(0x0110), ABORTED),
    Case("N-SET-RQ", other_command(0x0120, has_data_set=True), ABORTED),
    Case("N-ACTION-RQ", other_command(0x0130, has_data_set=True), ABORTED),
    Case("N-CREATE-RQ", other_command(0x0140, has_data_set=True), ABORTED),
    Case("N-DELETE-RQ", other_command(0x0150), ABORTED),
    Case("C-STORE-RSP nobody asked for", other_command(0x8001), ABORTED),
    Case("C-ECHO-RSP nobody asked for", other_command(0x8030), ABORTED),
    Case("C-ECHO-RQ that announces a data set", other_command(0x0030, has_data_set=True), ABORTED),
    Case("C-ECHO-RQ in a storage context", command(echo_command(), 1), Status(0x0122)),
    Case("C-ECHO-RQ of another SOP class", command(echo_command(CT)), Status(0x0122)),
    # C-STORE whose command is not in order (PS3.4 B.2.3)
    Case("class of another context", store(sop_class=CR), Status(0x0122, "not that of the presentation context")),
    Case("class verification in its context", store(sop_class=VERIFICATION, context_id=3), Status(0x0122, "storage")),
    Case("image in the context of verification", store(context_id=3), Status(0x0122, "not one of storage")),
    Case("class of 2,000 digits", store(sop_class="1" * 2000), Status(0x0122, "")),
    Case("no SOP class", store(sop_class=""), Status(0x0122, "")),
    Case("no SOP instance", store(sop_instance=""), Status(0x0117, "not a UID")),
    Case("SOP instance that climbs", store(sop_instance="../.."), Status(0x0117, "not a UID")),
    Case("SOP instance that climbs behind a UID", store(sop_instance="1.2/../../../etc"), Status(0x0117, "not a UID")),
    Case("SOP instance that is a path", store(sop_instance="/etc/passwd"), Status(0x0117, "not a UID")),
    Case("SOP instance with a zero byte", store(sop_instance="1.2\0.3"), Status(0x0117, "not a UID")),
    Case("SOP instance with a line of its own", store(sop_instance="1.2.3\r\nINFO faked"), Status(0x0117, "not a UID")),
    Case("SOP instance with escape codes", store(sop_instance="1.2\x1b[2J"), Status(0x0117, "not a UID")),
    Case("SOP instance with leading zeros", store(sop_instance="1.02.3"), Status(0x0117, "not a UID")),
    Case("SOP instance outside ASCII", store(sop_instance="1.2.\xb2"), Status(0x0117, "not a UID")),
    Case("SOP instance of 65 digits", store(sop_instance="1" * 65), Status(0x0117, "not a UID")),
    Case("SOP instance of 10,000 digits", store(sop_instance="1" * 10000), Status(0x0117, "not a UID")),
    Case(
        "no data set announced",
        command(store_command(DX, UID, data_set_type=0x0101), 1),
        Status(0xC000, "announces no data set"),
    ),
    # C-STORE whose data set is another one than its command says
    Case("SOP instance of another data set", store(sop_instance="1.2.3"), Status(0xA900, "differ")),
    Case(
        "SOP class of another data set",
        store(data_set_bytes(make_dx(rows=8, columns=8, sop_class=CR))),
        Status(0xA900, "differ"),
    ),
    Case("data set without SOP instance", store(image({0x00080018: b""})), Status(0xA900, "differ")),
    Case(
        "SOP instance in another spelling",
        store(image({0x00080018: element(0x00080018, "UI", UID.encode() + b".0" + b"\0" * (len(UID) % 2))})),
        Status(0xA900, "differ"),
    ),
    # C-STORE whose data set cannot be parsed
    Case("empty data set", store(b""), Status(0xC000, "ends early")),
    Case("data set cut off in its header", store(DATA_SET[:120]), Status(0xC000, "ends early")),
    Case("data set of zeros", store(bytes(1000)), Status(0xC000, "no VR")),
    Case("data set of 0xFF", store(b"\xff" * 1000), Status(0xC000, "")),
    Case("a Part 10 file as data set", store(bytes(128) + b"DICM" + DATA_SET), Status(0xC000, "no VR")),
    Case("a program as data set", store(b"MZ\x90\0" + bytes(60) + DATA_SET), Status(0xC000, "")),
    Case("a script as data set", store(b"#!/bin/sh\nid\n" + DATA_SET), Status(0xC000, "")),
    Case("explicit bytes in an implicit context", store(context_id=7), Status(0xC000, "")),
    Case("little endian bytes in a big endian context", store(context_id=9), Status(0xC000, "")),
    Case("plain bytes in a deflated context", store(context_id=5), Status(0xC000, "")),
    Case("nothing inflatable in a deflated context", store(b"\xff" * 100, context_id=5), Status(0xC000, "inflated")),
    Case("deflate bomb before the identity", store(deflated(b"", 2**28), context_id=5), Status(0xC000, "")),
    Case("elements out of order", store(IDENTITY[0x0020000E] + image()), Status(0xC000, "out of order")),
    Case("an element twice", store(IDENTITY[0x00080016] + image()), Status(0xC000, "out of order")),
    Case("element of 64 KiB that is not there", store(element(0x00080005, "LO", b"", 65534)), Status(0xC000, "early")),
    Case("element of 4 GiB", store(element(0x00080005, "OB", b"", 2**32 - 2) + DATA_SET), Status(0xC000, "")),
    Case("sequence of 4 GiB", store(element(0x00081140, "SQ", b"", 2**32 - 2) + DATA_SET), Status(0xC000, "")),
    Case("endless sequence", store(element(0x00081140, "SQ", b"", 2**32 - 1) + DATA_SET), Status(0xC000, "items")),
    Case(
        "sequences without items, 300 times",
        store(b"\x08\x00\x05\x00SQ\0\0\xff\xff\xff\xff" * 300),
        Status(0xC000, "other than items"),
    ),
    Case("sequences 5,000 deep", store(image({0x00081140: nested(5000)})), Status(0xC000, "nested deeper")),
    Case(
        "30,000 private elements",
        store(image({0x00090000: b"".join(element(0x00090000 + n, "LO", b"") for n in range(30000))})),
        Status(0xC000, "more than"),
    ),
    Case(
        "header of 5 MiB",
        store(image({0x00091010: element(0x00091010, "OB", bytes(5 * 2**20))})),
        Status(0xC000, "no Series Instance UID"),
    ),
    Case("no study", store(image({0x0020000D: b""})), Status(0xC000, "Study Instance UID is missing")),
    Case("no series", store(image({0x0020000E: b""})), Status(0xC000, "Series Instance UID")),
    Case(
        "study that climbs",
        store(image({0x0020000D: element(0x0020000D, "UI", b"../../../../etc/x\0")})),
        Status(0xC000, "not valid"),
    ),
    Case(
        "series with a line of its own",
        store(image({0x0020000E: element(0x0020000E, "UI", b"1.2\r\nINFO faked\0")})),
        Status(0xC000, "not valid"),
    ),
    # C-STORE that is kept: what is wrong with it shows when it is decoded, in a process of its own
    Case("as it should be", store(), STORED),
    Case("in fragments of one byte", store(image(), step=1), STORED),
    Case("nothing but its identity", store(image()), STORED),
    Case("bytes after the last element", store(image(pixels(8, 8, bytes(128))) + b"#!/bin/sh\n" * 10), STORED),
    Case("rows and columns of 65535, ten pixels", store(image(pixels(65535, 65535, bytes(20)))), STORED),
    Case("pixel data of 4 GiB that is not there", store(image(pixels(8, 8, bytes(128), 2**32 - 2))), STORED),
    Case("pixel data without end", store(image(pixels(8, 8, bytes(128), 2**32 - 1))), STORED),
    Case("no bits in a pixel", store(image(pixels(8, 8, bytes(128), bits=0))), STORED),
    Case("deflate bomb behind the identity", store(deflated(image(pixels(8, 8, b"")), 2**28), context_id=5), STORED),
    Case("sequences 5,000 deep behind the identity", store(image({0x00400275: nested(5000, 0x00400275)})), STORED),
    Case(
        "patient who is a path, a tag and a formula",
        store(
            image(
                {
                    0x00100010: element(0x00100010, "PN", f"{CANARY}<script>alert(1)</script>".encode() + b" "),
                    0x00100020: element(0x00100020, "LO", b"../../../../tmp/x "),
                    0x00100040: element(0x00100040, "CS", b"=1+1"),
                }
            )
        ),
        STORED,
    ),
    Case(
        "accession number with a line of its own",
        store(image({0x00080050: element(0x00080050, "SH", b"A1\r\n2026-01-01T00:00:00.000Z INFO x ")})),
        STORED,
    ),
    Case(
        "character set nobody knows",
        store(
            image(
                {
                    0x00080005: element(0x00080005, "CS", b"ISO 9999 IR 6660"),
                    0x00100010: element(0x00100010, "PN", CANARY.encode() + b"\x1b$B\xff\xff\xfe"),
                }
            )
        ),
        STORED,
    ),
]
