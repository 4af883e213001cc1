"""What an HL7 acknowledgement says (HL7 v2.5.1 2.9, 2.15.8 MSA, 2.15.5 ERR), and what that means for the message."""

from __future__ import annotations

from dataclasses import dataclass

from scp_node.deliver.message_file import comment_of
from scp_node.deliver.outcomes import PeerFault, Row, Verdict

SEGMENTS_MAX = 1000
_SENT, _RETRY, _DEAD = Verdict.SENT, Verdict.RETRY, Verdict.DEAD

# Table 0008: application and accept acknowledgements, which some systems give in place of one another.
CODES: dict[str, Row] = {
    "AA": Row(_SENT, "acknowledged", "it took the message"),
    "CA": Row(_SENT, "acknowledged", "it took the message"),
    "AE": Row(_RETRY, "application-error", "it could not process the message"),
    "CE": Row(_RETRY, "application-error", "it could not process the message"),
    "AR": Row(_RETRY, "application-reject", "it rejected the message"),
    "CR": Row(_RETRY, "application-reject", "it rejected the message"),
}
# Table 0357: errors of the message itself, which the same message meets again. All others may pass, an unknown key
# (204) among them: the patient or order may not be there yet.
FINAL_ERRORS: dict[str, Row] = {
    "100": Row(_DEAD, "segment-sequence", "it does not accept the order of the segments"),
    "101": Row(_DEAD, "field-missing", "it misses a field that it requires"),
    "102": Row(_DEAD, "data-type", "it does not accept the type of a value"),
    "103": Row(_DEAD, "table-value", "it does not know a coded value"),
    "200": Row(_DEAD, "message-type", "it does not take ORU messages"),
    "201": Row(_DEAD, "event-code", "it does not take the event R01"),
    "202": Row(_DEAD, "processing-id", "it does not take productive messages"),
    "203": Row(_DEAD, "version-id", "it does not take HL7 v2.5.1"),
}


@dataclass(frozen=True)
class Acknowledgement:
    """code: MSA-1. errors: codes of ERR-3, or of ERR-1 as older versions have it. text: what it says, for people."""

    code: str
    message_id: str
    errors: tuple[str, ...]
    text: str

    @property
    def row(self) -> Row:
        row = CODES[self.code]
        if row.verdict is _SENT:
            return row
        return next((FINAL_ERRORS[error] for error in self.errors if error in FINAL_ERRORS), row)


def acknowledgement_of(answer: bytes, message_id: str) -> Acknowledgement:
    """Raises PeerFault where the answer is none, or that of another message."""
    text = answer.decode("latin-1")
    separator = text[3:4]
    if not text.startswith("MSH") or not separator or separator.isalnum() or separator.isspace():
        raise PeerFault("not-hl7", "no MSH")
    component, repetition = (text[4:5] or "^"), (text[5:6] or "~")
    segments = [line.split(separator) for line in text.replace("\n", "\r").split("\r")[:SEGMENTS_MAX] if line]
    msa = next((one for one in segments if one[0] == "MSA"), None)
    if msa is None:
        raise PeerFault("not-hl7", "no MSA")
    code, acknowledged, said = (*(field.strip() for field in msa[1:4]), "", "", "")[:3]
    if code not in CODES:
        raise PeerFault("not-hl7", "MSA-1 is no acknowledgement code")
    if acknowledged != message_id:
        raise PeerFault("ack-of-another", "MSA-2 is missing" if not acknowledged else "MSA-2 is not our MSH-10")
    errors, texts = list[str](), [said]
    for segment in segments:
        if segment[0] == "ERR":
            fields = [*segment, *[""] * 9][:9]
            codes = fields[3] or fields[1].split(repetition)[0]
            parts = codes.split(component)
            errors.append((parts[0] if fields[3] else parts[-1].split("&")[0]).strip())
            texts += [fields[8] or fields[7] or (parts[1] if len(parts) > 1 else "")]
    if msa[6:7]:
        errors.append(msa[6].split(component)[0])
    return Acknowledgement(code, acknowledged, tuple(errors), comment_of("; ".join(one for one in texts if one)))
