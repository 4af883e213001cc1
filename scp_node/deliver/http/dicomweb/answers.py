"""What an archive's answer to STOW-RS means: one table of HTTP statuses and of the reasons that it gives for an
instance (PS3.18 Table 10.5.3-1 and Table I.2-2, PS3.4 Table B.2-1)."""

from __future__ import annotations

from typing import Literal

from scp_node.deliver.outcomes import Row, Verdict

Kind = Literal["http", "failure", "warning"]
_SENT, _RETRY, _DEAD, _OTHER_CLASS = Verdict.SENT, Verdict.RETRY, Verdict.DEAD, Verdict.CLASS_NOT_ACCEPTED
OK, ACCEPTED = 200, 202

# What it is, first, last, row. A reason that names the instance goes before the HTTP status. A wrong address or token
# is repaired by a person, perhaps after the night: it is tried again until delivery.give_up_after_h.
ANSWERS: tuple[tuple[Kind, int, int, Row], ...] = (
    ("http", 100, 199, Row(_RETRY, "http-unfinished", "it did not come to an answer")),
    ("http", 200, 200, Row(_SENT, "stored", "stored")),
    ("http", 202, 202, Row(_SENT, "stored", "stored")),
    ("http", 201, 299, Row(_RETRY, "not-dicomweb", "it answered what is no answer to STOW-RS; correct url")),
    ("http", 300, 399, Row(_RETRY, "http-redirected", "it is elsewhere, where nobody follows it; correct url")),
    ("http", 401, 401, Row(_RETRY, "http-unauthorised", "it does not let this node in; look at token, or user")),
    ("http", 403, 403, Row(_RETRY, "http-forbidden", "it does not let this node store; allow it")),
    ("http", 404, 404, Row(_RETRY, "http-not-found", "there is nothing at that address; correct url")),
    ("http", 405, 405, Row(_RETRY, "http-method", "nothing is stored at that address; correct url")),
    ("http", 408, 408, Row(_RETRY, "http-timeout", "it waited too long for the object")),
    ("http", 409, 409, Row(_DEAD, "http-conflict", "it refuses the object, and does not say why")),
    ("http", 410, 410, Row(_RETRY, "http-gone", "there is nothing at that address any more; correct url")),
    ("http", 413, 413, Row(_DEAD, "http-too-large", "the object is too large for it")),
    ("http", 415, 415, Row(_DEAD, "http-media-type", "it does not take DICOM files")),
    ("http", 425, 425, Row(_RETRY, "http-too-early", "it asks for the object again")),
    ("http", 429, 429, Row(_RETRY, "http-too-many", "it gets too many objects")),
    ("http", 400, 499, Row(_DEAD, "http-refused", "it refuses the object")),
    ("http", 500, 599, Row(_RETRY, "http-server-error", "it failed")),
    ("failure", 0x0110, 0x0110, Row(_RETRY, "processing-failure", "it failed while it worked on the object")),
    ("failure", 0x0111, 0x0111, Row(_SENT, "already-there", "it already holds this object")),
    ("failure", 0x0117, 0x0117, Row(_DEAD, "invalid-instance", "it does not take this SOP Instance UID")),
    ("failure", 0x0119, 0x0119, Row(_DEAD, "class-instance-conflict", "it knows this object under another SOP class")),
    ("failure", 0x0122, 0x0122, Row(_OTHER_CLASS, "class-not-supported", "it does not support the SOP class")),
    ("failure", 0x0124, 0x0124, Row(_RETRY, "not-authorised", "it does not let this node store; allow it")),
    ("failure", 0xA700, 0xA7FF, Row(_RETRY, "out-of-resources", "it is out of resources; look at its disk")),
    ("failure", 0xA900, 0xA9FF, Row(_DEAD, "dataset-mismatch", "it says that the object does not match its SOP class")),
    ("failure", 0xC122, 0xC122, Row(_DEAD, "syntax-not-accepted", "it does not take the transfer syntax")),
    ("failure", 0xC000, 0xCFFF, Row(_DEAD, "cannot-understand", "it cannot understand the object")),
    ("warning", 0xB000, 0xB000, Row(_SENT, "stored-coerced", "stored; it changed some attributes")),
    ("warning", 0xB006, 0xB006, Row(_SENT, "stored-without-some", "stored; it left out some attributes")),
    ("warning", 0xB007, 0xB007, Row(_SENT, "stored-mismatch", "stored; it says it does not match its SOP class")),
    ("warning", 0x0000, 0xFFFF, Row(_SENT, "stored-with-warning", "stored; it gave a warning of its own")),
)
UNKNOWN: dict[str, Row] = {
    "http": Row(_RETRY, "http-unknown", "it answered a status that HTTP does not know"),
    "failure": Row(_RETRY, "unknown-status", "it failed for a reason that the standard does not know"),
}


def row_of(kind: Kind, number: int) -> Row:
    """The first row of that kind that covers it; every number has one."""
    found = (row for one, first, last, row in ANSWERS if one == kind and first <= number <= last)
    return next(found, None) or UNKNOWN[kind]
