"""What is sent on an association with CONTEXTS: PDUs, fragments, command sets, C-STORE requests."""

from __future__ import annotations

import struct

from tests.support.dicom.phantoms import make_dx
from tests.support.hostile.cases import ABORTED, GONE, SERVED, STORED, Case, Status
from tests.support.hostile.messages import (
    CANARY,
    CR,
    CT,
    DATA_SET,
    DX,
    IDENTITY,
    PDU_BYTES_MAX,
    UID,
    command,
    deflated,
    element,
    image,
    nested,
    other_command,
    pdu,
    pixels,
    request,
    store,
)
from tests.support.node.receiving import data_set_bytes
from tests.support.peers.raw_scu import (
    COMMAND_LAST,
    DATA,
    DATA_LAST,
    VERIFICATION,
    command_set,
    echo_command,
    p_data,
    pdv,
    store_command,
)

NOT_SERVED = Status(0x0211, "C-ECHO and C-STORE only")
CANCEL = command(command_set({0x100: b"\xff\x0f", 0x120: b"\1\0", 0x800: b"\1\1"}))
# The data set behind a command that is not served, in two fragments.
BEHIND = p_data(pdv(3, DATA, b"\x10\0\x20\0"), pdv(3, DATA_LAST, b"\0\0\0\0"))

UID_WITH_ZEROS = "1.02.003"
ZEROS = {0x00080018: element(0x00080018, "UI", UID_WITH_ZEROS.encode())}

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
    Case("unknown command field", other_command(0x0FFE), NOT_SERVED),
    Case("C-FIND-RQ", other_command(0x0020, has_data_set=True) + BEHIND, NOT_SERVED),
    Case("C-GET-RQ", other_command(0x0010, has_data_set=True) + BEHIND, NOT_SERVED),
    Case("C-MOVE-RQ", other_command(0x0021, has_data_set=True) + BEHIND, NOT_SERVED),
    Case("C-MOVE-RQ whose data set never comes", other_command(0x0021, has_data_set=True), NOT_SERVED),
    Case("C-CANCEL-RQ", CANCEL + command(echo_command()), SERVED),
    Case("C-CANCEL-RQ, a thousand times", CANCEL * 1000, GONE),
    Case("N-GET-RQ", other_command(0x0110), NOT_SERVED),
    Case("N-SET-RQ", other_command(0x0120, has_data_set=True) + BEHIND, NOT_SERVED),
    Case("N-ACTION-RQ", other_command(0x0130, has_data_set=True) + BEHIND, NOT_SERVED),
    Case("N-CREATE-RQ", other_command(0x0140, has_data_set=True) + BEHIND, NOT_SERVED),
    Case("N-DELETE-RQ", other_command(0x0150), NOT_SERVED),
    Case("C-STORE-RSP nobody asked for", other_command(0x8001), ABORTED),
    Case("C-ECHO-RSP nobody asked for", other_command(0x8030), ABORTED),
    Case("C-ECHO-RQ that announces a data set", other_command(0x0030, has_data_set=True), SERVED),
    Case("C-ECHO-RQ with a data set", other_command(0x0030, has_data_set=True) + BEHIND, SERVED),
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
    Case("SOP instance with leading zeros of another data set", store(sop_instance="1.02.3"), Status(0xA900, "differ")),
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
    # C-STORE whose data set names no instance, or is not whole
    Case("empty data set", store(b""), Status(0xC000, "ends early")),
    Case("data set cut off in its header", store(DATA_SET[:120]), Status(0xC000, "ends early")),
    Case("data set of zeros", store(bytes(1000)), Status(0xC000, "missing")),
    Case("data set of 0xFF", store(b"\xff" * 1000), Status(0xC000, "")),
    Case("nothing inflatable in a deflated context", store(b"\xff" * 100, context_id=5), Status(0xC000, "missing")),
    Case("deflate bomb before the identity", store(deflated(b"", 2**28), context_id=5), Status(0xC000, "")),
    Case("element of 64 KiB that is not there", store(element(0x00080005, "LO", b"", 65534)), Status(0xC000, "early")),
    Case("element of 4 GiB", store(element(0x00080005, "OB", b"", 2**32 - 2) + DATA_SET), Status(0xC000, "")),
    Case("sequence of 4 GiB", store(element(0x00081140, "SQ", b"", 2**32 - 2) + DATA_SET), Status(0xC000, "")),
    Case(
        "sequences without items, 300 times",
        store(b"\x08\x00\x05\x00SQ\0\0\xff\xff\xff\xff" * 300),
        Status(0xC000, "ends early"),
    ),
    Case(
        "pixel data of 4 GiB that is not there",
        store(image(pixels(8, 8, bytes(128), 2**32 - 2))),
        Status(0xC000, "ends early"),
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
    Case("pixel data without end", store(image(pixels(8, 8, bytes(128), 2**32 - 1))), Status(0xC000, "ends early")),
    # C-STORE whose identity is found although its data set is not as it should be
    Case("SOP instance with leading zeros", store(image(ZEROS), sop_instance=UID_WITH_ZEROS), STORED),
    Case("a Part 10 file as data set", store(bytes(128) + b"DICM" + DATA_SET), STORED),
    Case("a program as data set", store(b"MZ\x90\0" + bytes(60) + DATA_SET), STORED),
    Case("a script as data set", store(b"#!/bin/sh\nid\n" + DATA_SET), STORED),
    Case("explicit bytes in an implicit context", store(context_id=7), STORED),
    Case("little endian bytes in a big endian context", store(context_id=9), STORED),
    Case("plain bytes in a deflated context", store(context_id=5), STORED),
    Case("elements out of order", store(IDENTITY[0x0020000E] + image()), STORED),
    Case("an element twice", store(IDENTITY[0x00080016] + image()), STORED),
    Case("endless sequence", store(element(0x00081140, "SQ", b"", 2**32 - 1) + DATA_SET), STORED),
    Case("sequences 5,000 deep", store(image({0x00081140: nested(5000)})), STORED),
    Case(
        "30,000 private elements",
        store(image({0x00090000: b"".join(element(0x00090000 + n, "LO", b"") for n in range(30000))})),
        STORED,
    ),
    Case("header of 5 MiB", store(image({0x00091010: element(0x00091010, "OB", bytes(5 * 2**20))})), STORED),
    # C-STORE that is kept: what is wrong with it shows when it is decoded, in a process of its own
    Case("as it should be", store(), STORED),
    Case("in fragments of one byte", store(image(), step=1), STORED),
    Case("nothing but its identity", store(image()), STORED),
    Case("bytes after the last element", store(image(pixels(8, 8, bytes(128))) + b"#!/bin/sh\n" * 10), STORED),
    Case("rows and columns of 65535, ten pixels", store(image(pixels(65535, 65535, bytes(20)))), STORED),
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
