"""What is sent on a bare connection, where an A-ASSOCIATE-RQ should come."""

from __future__ import annotations

import struct

from tests.support.hostile.cases import GONE, Accepted, Case, Rejected
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
