"""What is sent on a bare connection, where an A-ASSOCIATE-RQ should come."""

from __future__ import annotations

import struct

from tests.support.hostile.cases import ABORTED, GONE, Accepted, Case, Rejected
from tests.support.hostile.messages import (
    APPLICATION,
    CT,
    DX,
    ITEMS,
    MANY,
    ODD,
    USER,
    command,
    context,
    pdu,
    request,
    request_of,
    user,
)
from tests.support.peers.raw_scu import EXPLICIT_LE, IMPLICIT_LE, VERIFICATION, echo_command, request_item

UNKNOWN = request_item(0x77, b"?" * 50)
NAMELESS = request_item(0x20, bytes((1, 0, 0, 0)) + request_item(0x40, IMPLICIT_LE.encode()))
SECOND = context(3, IMPLICIT_LE)

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
    Case("every bit of the protocol version but the first", request_of(*ITEMS, version=0xFFFE), Rejected(1, 2, 2)),
    Case("every bit of the protocol version", request_of(*ITEMS, version=0xFFFF), Accepted(1)),
    Case("calling AE title outside ASCII", request(calling="MOD\xc4LITY"), Rejected(1, 1, 3)),
    Case("called AE title outside ASCII", request(called="HIL\xdcM"), Rejected(1, 1, 7)),
    Case("calling AE title with a line of its own", request(calling="EVIL\r\nINFO x"), Rejected(1, 1, 3)),
    Case("calling AE title with escape codes", request(calling="A\x1b[31mB\tC"), Rejected(1, 1, 3)),
    Case("calling AE title with a backslash", request(calling="MODALITY\\"), Rejected(1, 1, 3)),
    Case("calling AE title of question marks", request(calling="????????"), Rejected(1, 1, 3)),
    Case("calling AE title of spaces", request(calling="   "), Rejected(1, 1, 3)),
    Case("calling AE title of zeros", request(calling="\0" * 16), Rejected(1, 1, 3)),
    Case("AE titles padded with zeros", request(called="HILUM" + "\0" * 11, calling="MODALITY\0\0"), Accepted(1)),
    Case("AE titles among control characters", request(called="\tHILUM\r\n", calling=" MODALITY\x7f"), Accepted(1)),
    Case("AE titles before memory", request(called="HILUM\0\xfe\1xyz", calling="MODALITY\0LDTITLE"), Accepted(1)),
    # what an A-ASSOCIATE-RQ may hold
    Case("nothing acceptable", request((CT, EXPLICIT_LE), (DX, "1.2.3")), Accepted(0)),
    Case("no context at all", request_of(APPLICATION, USER), Accepted(0)),
    Case("128 contexts", request_of(APPLICATION, *[context(n, IMPLICIT_LE) for n in ODD], USER), Accepted(128)),
    Case("a context of 2,000 syntaxes", request_of(APPLICATION, context(1, *MANY, IMPLICIT_LE), USER), Accepted(1)),
    Case("more than a control PDU may hold", request_of(*[context(1, *["1.2.3"] * 5000)] * 3, USER), GONE),
    Case("abstract syntax that is no UID", request(("not a uid", EXPLICIT_LE)), Accepted(0)),
    Case("transfer syntax that is no UID", request((VERIFICATION, "1" * 200)), Accepted(0)),
    Case("transfer syntax outside ASCII", request_of(*ITEMS[:1], context(1, "\xb2", IMPLICIT_LE), USER), Accepted(1)),
    Case("context without transfer syntax", request_of(*ITEMS, context(3)), Accepted(1)),
    Case("context without abstract syntax", request_of(APPLICATION, NAMELESS, SECOND, USER), Accepted(1)),
    Case("context of an even number", request_of(APPLICATION, context(2, IMPLICIT_LE), USER), Accepted(0)),
    Case("context number zero", request_of(APPLICATION, context(0, IMPLICIT_LE), *ITEMS[1:]), Accepted(1)),
    Case("a context twice", request_of(*ITEMS, ITEMS[1], USER, APPLICATION), Accepted(1)),
    Case("no application context", request_of(context(1, IMPLICIT_LE), USER), Rejected(1, 1, 2)),
    Case("empty application context", request_of(request_item(0x10, b""), *ITEMS[1:]), Rejected(1, 1, 2)),
    Case("no user information", request_of(APPLICATION, context(1, IMPLICIT_LE)), Accepted(1)),
    Case("no items", request_of(), Rejected(1, 1, 2)),
    Case("items of types that are not known", request_of(UNKNOWN, ITEMS[0], UNKNOWN, *ITEMS[1:], UNKNOWN), Accepted(1)),
    Case("zeros behind the last item", request_of(*ITEMS, bytes(7)), Accepted(1)),
    Case("bytes behind the last item", request_of(*ITEMS, b"abc"), ABORTED),
    Case("item longer than the PDU", request_of(APPLICATION, b"\x20\0\xff\xff\1\0\0\0", USER), GONE),
    Case("sub-item longer than its item", request_of(APPLICATION, request_item(0x50, b"\x51\0\xff\xff\0\0")), GONE),
    Case("item of length zero", request_of(APPLICATION, request_item(0x20, b""), USER), Accepted(0)),
    Case("implementation version outside ASCII", request()[:-1] + b"\xff", Accepted(1)),
    Case("long implementation version", request_of(*ITEMS[:2], user(request_item(0x55, b"v" * 900))), Accepted(1)),
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
