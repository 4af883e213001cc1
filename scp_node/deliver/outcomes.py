"""How a delivery can end: the verdict that the workflow goes by, and the table of faults that stop it on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """How one attempt to send one object to one destination ended.

    `status` is what the destination answered, where answers have numbers (of a C-STORE-RSP). `comment` is the answer in
    the destination's own words: it may name the patient, so it is for a terminal or the ledger, never for a log.
    `classes`: of all SOP classes in which results come, whether the destination takes it, as far as it said so.
    """

    verdict: Verdict
    code: str
    message: str
    status: int | None = None
    comment: str = ""
    classes: Mapping[str, bool] = field(default_factory=dict)
    retry_after_s: float = 0.0  # what the destination asks for before it is tried again, bounded by the kind

    @property
    def sent(self) -> bool:
        return self.verdict is Verdict.SENT

    @property
    def class_refused(self) -> bool:
        """The destination does not take this SOP class; it may take the other one that reports come in."""
        return self.verdict is Verdict.CLASS_NOT_ACCEPTED


# Where a remote AE stands in the configuration, as long as nobody knows which one it is.
PLACE = "remote_aes.<name>"
SYSTEM_PLACE = "systems.<name>"


def at_place(text: str, name: str) -> str:
    """A message about the destination that the configuration calls so."""
    return text.replace(PLACE, f"remote_aes.{name}").replace(SYSTEM_PLACE, f"systems.{name}")


class PeerFault(DeliveryFailed):
    """The destination could not be reached, or did not do its part; `code` is a key of FAULTS."""

    def __init__(self, code: str, detail: str = "") -> None:
        if code not in FAULTS:
            raise ValueError(f"unknown fault {code!r}")
        super().__init__(_explained(code, detail))
        self.code, self.detail = code, detail


def not_sent(code: str, detail: str = "", *, who: str = "") -> SendOutcome:
    """The outcome of an attempt that the fault `code` ended; `who` is the destination, in words."""
    message = _explained(code, detail)
    return SendOutcome(FAULTS[code].verdict, code, f"{who}: {message}" if who else message)


def in_words(outcome: SendOutcome, who: str) -> str:
    """How an attempt ended, for whoever sends: that it was taken, who refused it and why, or why it was not sent."""
    if outcome.status is None:
        return outcome.message if outcome.sent else f"{outcome.code}: not sent to {who}: {outcome.message}"
    comment = f" '{outcome.comment}'" if outcome.comment else ""
    answer = f"{outcome.message} [status 0x{outcome.status:04X}]{comment}"
    return f"{outcome.code}: {answer}" if outcome.sent else f"{outcome.code}: {who} refused it: {answer}"


def _explained(code: str, detail: str) -> str:
    return f"{FAULTS[code].meaning} ({detail})" if detail else FAULTS[code].meaning


# What an association shows of an object that it does not carry; all other faults say nothing of what it takes.
REFUSED_IN_NEGOTIATION = ("class-not-accepted", "syntax-not-accepted")
# What ends an attempt before the destination has seen anything of the object: it is the same for every object.
NO_CONNECTION = frozenset(
    {
        *("host-unknown", "connection-refused", "unreachable", "connect-timeout", "association-timeout"),
        *("tls-timeout", "tls-failed", "tls-refused", "tls-certificate", "tls-certificate-of-another"),
        *("tls-own-certificate", "rejected", "rejected-application-context", "rejected-protocol-version"),
        *("rejected-calling-ae", "rejected-called-ae", "rejected-congestion", "rejected-limit"),
    }
)
_RETRY, _DEAD, _OTHER_CLASS = Verdict.RETRY, Verdict.DEAD, Verdict.CLASS_NOT_ACCEPTED

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
        Row(_RETRY, "tls-certificate-of-another", "its certificate is not the one that " + PLACE + " asks for"),
        Row(_RETRY, "tls-own-certificate", "this node's own certificate cannot be used"),
        Row(_RETRY, "rejected", "it rejected the association without a reason"),
        Row(_RETRY, "rejected-application-context", "it rejected the application context; is it a DICOM port?"),
        Row(_RETRY, "rejected-protocol-version", "it rejected the DICOM protocol version"),
        Row(_RETRY, "rejected-calling-ae", "it does not know our AE title; enter this node there, or correct ae_title"),
        Row(_RETRY, "rejected-called-ae", "it does not answer to that AE title; correct " + PLACE + ".ae_title"),
        Row(_RETRY, "rejected-congestion", "it is too busy right now"),
        Row(_RETRY, "rejected-limit", "it has reached its limit of associations"),
        Row(_RETRY, "aborted", "it aborted the association"),
        Row(_RETRY, "connection-lost", "it closed the connection"),
        Row(_RETRY, "send-timeout", "it stopped taking data"),
        Row(_RETRY, "response-timeout", "it took the object but did not answer in time"),
        Row(_RETRY, "protocol-error", "it answered something that is not DICOM or out of order"),
        Row(_RETRY, "unknown-destination", "no destination of that name is configured any more"),
        Row(_RETRY, "not-hl7", "it answered something that is no HL7 acknowledgement; is it an MLLP port?"),
        Row(_RETRY, "ack-of-another", "its acknowledgement is that of another message"),
        Row(_RETRY, "not-http", "it answered something that is not HTTP"),
        Row(
            _RETRY,
            "not-fhir",
            "it answered no FHIR; is " + SYSTEM_PLACE + ".url the base of a server?",
        ),
        Row(
            _RETRY,
            "not-dicomweb",
            "it answered no DICOMweb; is " + SYSTEM_PLACE + ".url the base of the service, such as .../dicom-web?",
        ),
        Row(_RETRY, "answer-too-large", "its answer is larger than " + SYSTEM_PLACE + ".response_bytes_max"),
        Row(_OTHER_CLASS, "class-not-accepted", "it does not take objects of this SOP class"),
        Row(_DEAD, "syntax-not-accepted", "it takes the SOP class, but not in the transfer syntax of the object"),
        Row(_DEAD, "not-part10", "the file is not a DICOM Part 10 file"),
        Row(_DEAD, "file-missing", "the file to send is not there"),
    )
}
