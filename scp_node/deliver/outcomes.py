"""How a delivery can end, as tables: C-STORE statuses, association rejections and faults of connections."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scp_node.errors import DeliveryFailed


class Verdict(StrEnum):
    """What the workflow does next: nothing, the same again later, a dead letter, or the other SR class."""

    SENT = "sent"
    RETRY = "retry"
    DEAD = "dead"
    CLASS_NOT_ACCEPTED = "class-not-accepted"


@dataclass(frozen=True)
class Row:
    """`code` is what ledger and log show, `meaning` a sentence for a person: what happened, what to do."""

    verdict: Verdict
    code: str
    meaning: str


@dataclass(frozen=True)
class SendOutcome:
    """How one attempt to store one object at one destination ended.

    `status` is that of the C-STORE-RSP, if there was one. `comment` is its Error Comment in the archive's own words:
    it may name the patient, so it is for a terminal or the ledger, never for a log.
    """

    verdict: Verdict
    code: str
    message: str
    status: int | None = None
    comment: str = ""

    @property
    def sent(self) -> bool:
        return self.verdict is Verdict.SENT

    @property
    def class_refused(self) -> bool:
        """The archive does not take this SOP class: it accepted no context for it, or answered 0x0122."""
        return self.verdict is Verdict.CLASS_NOT_ACCEPTED or self.status == 0x0122


class PeerFault(DeliveryFailed):
    """The destination could not be reached or broke the association; `code` is a key of FAULTS."""

    def __init__(self, code: str, detail: str = "") -> None:
        if code not in FAULTS:
            raise ValueError(f"unknown fault {code!r}")
        super().__init__(f"{FAULTS[code].meaning}{f' ({detail})' if detail else ''}")
        self.code = code


_SENT, _RETRY, _DEAD, _OTHER_CLASS = Verdict.SENT, Verdict.RETRY, Verdict.DEAD, Verdict.CLASS_NOT_ACCEPTED

# First status, last status, row. PS3.4 Table B.2-1 and PS3.7 Annex C; ranges do not overlap.
STORE_STATUSES: tuple[tuple[int, int, Row], ...] = (
    (0x0000, 0x0000, Row(_SENT, "stored", "stored")),
    (0x0001, 0x0001, Row(_SENT, "stored-with-warning", "stored; optional attributes are not supported there")),
    (0x0107, 0x0107, Row(_SENT, "stored-with-warning", "stored; some attributes were not understood")),
    (0x0111, 0x0111, Row(_SENT, "already-there", "the archive already holds this object")),
    (0x0116, 0x0116, Row(_SENT, "stored-with-warning", "stored; an attribute value is out of the archive's range")),
    (0xB000, 0xB000, Row(_SENT, "stored-coerced", "stored; the archive changed some attributes")),
    (0xB006, 0xB006, Row(_SENT, "stored-without-some", "stored; the archive left out some attributes")),
    (0xB007, 0xB007, Row(_SENT, "stored-mismatch", "stored; the archive says it does not match its SOP class")),
    (0x0110, 0x0110, Row(_RETRY, "processing-failure", "the archive failed while it worked on the object")),
    (
        0x0124,
        0x0124,
        Row(_RETRY, "not-authorised", "the archive does not let this AE title store; allow it"),
    ),
    (0x0210, 0x0210, Row(_RETRY, "duplicate-invocation", "the archive took the message for a repeated one")),
    (0xA700, 0xA7FF, Row(_RETRY, "out-of-resources", "the archive is out of resources; look at its disk")),
    (0xFE00, 0xFE00, Row(_RETRY, "cancelled", "the archive cancelled the operation")),
    (0x0117, 0x0117, Row(_DEAD, "invalid-instance", "the archive does not take this SOP Instance UID")),
    (0x0119, 0x0119, Row(_DEAD, "class-instance-conflict", "the archive knows this object under another SOP class")),
    (0x0122, 0x0122, Row(_DEAD, "class-not-supported", "the archive does not support the SOP class of the object")),
    (0x0211, 0x0211, Row(_DEAD, "unrecognised-operation", "the archive does not know C-STORE for this SOP class")),
    (0x0212, 0x0212, Row(_DEAD, "mistyped-argument", "the archive did not accept a parameter of the command")),
    (0xA900, 0xA9FF, Row(_DEAD, "dataset-mismatch", "the archive says that the object does not match its SOP class")),
    (0xC000, 0xCFFF, Row(_DEAD, "cannot-understand", "the archive cannot understand the object")),
)
# Not in the standard's tables: what it means is unknown, so time and people get a chance (delivery.give_up_after_h).
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
UNKNOWN_WARNING = Row(_SENT, "stored-with-warning", "stored; the archive gave a warning of its own")
UNKNOWN_STATUS = Row(_RETRY, "unknown-status", "the archive answered a status that the standard does not know")

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

FAULTS: dict[str, Row] = {
    row.code: row
    for row in (
        Row(_RETRY, "host-unknown", "the host name is not known here; correct host, or the name service"),
        Row(_RETRY, "connection-refused", "nothing listens on that port; is it running, are host and port right?"),
        Row(_RETRY, "unreachable", "there is no way to that host; look at network and firewall"),
        Row(_RETRY, "connect-timeout", "no answer to the connection; look at host, port and firewall"),
        Row(_RETRY, "association-timeout", "connected, but no answer to the association request; is it a DICOM port?"),
        Row(_RETRY, "tls-timeout", "connected, but no answer to the TLS handshake; is it a TLS port?"),
        Row(_RETRY, "tls-failed", "no TLS connection came about; is it a TLS port, with TLS 1.2 or later?"),
        Row(_RETRY, "tls-refused", "it refused the TLS connection; does it trust tls.certificate?"),
        Row(_RETRY, "tls-certificate", "its certificate is not accepted; look at its expiry and host, and at tls.ca"),
        Row(_RETRY, "tls-certificate-of-another", "its certificate is not the one that remote_aes.<name> asks for"),
        Row(_RETRY, "tls-own-certificate", "this node's own certificate cannot be used"),
        Row(_RETRY, "rejected", "it rejected the association without a reason"),
        Row(_RETRY, "rejected-application-context", "it rejected the application context; is it a DICOM port?"),
        Row(_RETRY, "rejected-protocol-version", "it rejected the DICOM protocol version"),
        Row(_RETRY, "rejected-calling-ae", "it does not know our AE title; enter this node there, or correct ae_title"),
        Row(_RETRY, "rejected-called-ae", "it does not answer to that AE title; correct remote_aes.<name>.ae_title"),
        Row(_RETRY, "rejected-congestion", "it is too busy right now"),
        Row(_RETRY, "rejected-limit", "it has reached its limit of associations"),
        Row(_RETRY, "aborted", "it aborted the association"),
        Row(_RETRY, "connection-lost", "it closed the connection"),
        Row(_RETRY, "send-timeout", "it stopped taking data"),
        Row(_RETRY, "response-timeout", "it took the object but did not answer in time"),
        Row(_RETRY, "protocol-error", "it answered something that is not DICOM or out of order"),
        Row(_RETRY, "unknown-destination", "no remote AE of that name is configured any more"),
        Row(_OTHER_CLASS, "class-not-accepted", "it accepts no presentation context for the SOP class of the object"),
        Row(_DEAD, "syntax-not-accepted", "it takes the SOP class, but not in the transfer syntax of the object"),
        Row(_DEAD, "not-part10", "the file is not a DICOM Part 10 file"),
        Row(_DEAD, "file-missing", "the file to send is not there"),
    )
}


def row_of_status(status: int) -> Row:
    """The row that covers a C-STORE status; every status has one."""
    for first, last, row in STORE_STATUSES:
        if first <= status <= last:
            return row
    return UNKNOWN_WARNING if 0xB000 <= status <= 0xBFFF else UNKNOWN_STATUS
