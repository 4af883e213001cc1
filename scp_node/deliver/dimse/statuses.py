"""What a remote AE's answers mean, as tables: statuses of C-STORE and N-ACTION, and rejected associations."""

from __future__ import annotations

from scp_node.deliver.outcomes import Row, Verdict

_SENT, _RETRY, _DEAD, _OTHER_CLASS = Verdict.SENT, Verdict.RETRY, Verdict.DEAD, Verdict.CLASS_NOT_ACCEPTED

# First status, last status, row. PS3.4 Table B.2-1 and PS3.7 Annex C; ranges do not overlap.
STORE_STATUSES: tuple[tuple[int, int, Row], ...] = (
    (0x0000, 0x0000, Row(_SENT, "stored", "stored")),
    (0x0001, 0x0001, Row(_SENT, "stored-with-warning", "stored; optional attributes are not supported there")),
    (0x0107, 0x0107, Row(_SENT, "stored-with-warning", "stored; some attributes were not understood")),
    (0x0111, 0x0111, Row(_SENT, "already-there", "it already holds this object")),
    (0x0116, 0x0116, Row(_SENT, "stored-with-warning", "stored; an attribute value is out of its range")),
    (0xB000, 0xB000, Row(_SENT, "stored-coerced", "stored; it changed some attributes")),
    (0xB006, 0xB006, Row(_SENT, "stored-without-some", "stored; it left out some attributes")),
    (0xB007, 0xB007, Row(_SENT, "stored-mismatch", "stored; it says it does not match its SOP class")),
    (0x0110, 0x0110, Row(_RETRY, "processing-failure", "it failed while it worked on the object")),
    (
        0x0124,
        0x0124,
        Row(_RETRY, "not-authorised", "it does not let this AE title store; allow it"),
    ),
    (0x0210, 0x0210, Row(_RETRY, "duplicate-invocation", "it took the message for a repeated one")),
    (0xA700, 0xA7FF, Row(_RETRY, "out-of-resources", "it is out of resources; look at its disk")),
    (0xFE00, 0xFE00, Row(_RETRY, "cancelled", "it cancelled the operation")),
    (0x0117, 0x0117, Row(_DEAD, "invalid-instance", "it does not take this SOP Instance UID")),
    (0x0119, 0x0119, Row(_DEAD, "class-instance-conflict", "it knows this object under another SOP class")),
    (
        0x0122,
        0x0122,
        Row(_OTHER_CLASS, "class-not-supported", "it does not support the SOP class of the object"),
    ),
    (0x0211, 0x0211, Row(_DEAD, "unrecognised-operation", "it does not know C-STORE for this SOP class")),
    (0x0212, 0x0212, Row(_DEAD, "mistyped-argument", "it did not accept a parameter of the command")),
    (0xA900, 0xA9FF, Row(_DEAD, "dataset-mismatch", "it says that the object does not match its SOP class")),
    (0xC000, 0xCFFF, Row(_DEAD, "cannot-understand", "it cannot understand the object")),
)
# PS3.7 10.1.4: what an archive that does not take a request for storage commitment means by it.
ACTION_STATUSES: dict[int, str] = {
    0x0110: "it failed to process the request",
    0x0112: "it does not know the instance of Storage Commitment",
    0x0117: "it does not take the UID of the instance of Storage Commitment",
    0x0118: "it does not know the SOP class",
    0x0119: "it knows the instance under another SOP class",
    0x0123: "it does not know the request",
    0x0124: "it does not let this AE title ask",
    0x0210: "it took the message for a repeated one",
    0x0211: "it does not know N-ACTION",
    0x0212: "it did not accept a parameter of the command",
    0x0213: "it has no resources",
}
# Final statuses of a C-FIND-RSP that are no success (PS3.4 Table C.4-1, PS3.7 C).
FIND_STATUSES: dict[int, str] = {
    0x0122: "it does not answer queries of this kind",
    0x0124: "it does not let this AE title ask",
    0x0211: "it does not know C-FIND",
    0xA700: "it has no resources",
    0xA900: "it does not understand the query",
    0xC000: "it cannot process the query",
    0xC001: "it cannot process the query",
    0xFE00: "it ended the query",
}
# Final statuses of a C-MOVE-RSP that are no success (PS3.4 Table C.4-2, PS3.7 C).
MOVE_STATUSES: dict[int, str] = {
    0x0122: "it does not move objects of this kind",
    0x0124: "it does not let this AE title ask",
    0x0211: "it does not know C-MOVE",
    0xA701: "it has no resources to count what matches",
    0xA702: "it has no resources to send",
    0xA801: "it does not know the AE title of this node as a destination; enter this node there",
    0xA900: "it does not understand the request",
    0xAA00: "none of what was asked for was sent",
    0xB000: "it sent some of what was asked for, and not all",
    0xFE00: "it ended the request",
}
# Not in the standard's tables: what it means is unknown, so time and people get a chance (delivery.give_up_after_h).
UNKNOWN_WARNING = Row(_SENT, "stored-with-warning", "stored; it gave a warning of its own")
UNKNOWN_STATUS = Row(_RETRY, "unknown-status", "it answered a status that the standard does not know")

# Result, source, reason of an A-ASSOCIATE-RJ (PS3.8 Table 9-21) to a key of FAULTS. A wrong AE title is repaired by a
# person, perhaps after the night: it is tried again like a busy archive, until delivery.give_up_after_h.
REJECTIONS: dict[tuple[int, int, int], str] = {
    (1, 1, 1): "rejected",
    (1, 1, 2): "rejected-application-context",
    (1, 1, 3): "rejected-calling-ae",
    (1, 1, 7): "rejected-called-ae",
    (1, 2, 1): "rejected",
    (1, 2, 2): "rejected-protocol-version",
    (2, 3, 1): "rejected-congestion",
    (2, 3, 2): "rejected-limit",
}


def row_of_status(status: int) -> Row:
    """The row that covers a C-STORE status; every status has one."""
    for first, last, row in STORE_STATUSES:
        if first <= status <= last:
            return row
    return UNKNOWN_WARNING if 0xB000 <= status <= 0xBFFF else UNKNOWN_STATUS
