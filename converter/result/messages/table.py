"""Every kind of message: what it is kept as beside the results, and which module writes it.

A message is kept in the spool as a result is, in a DICOM file of a private SOP class that no archive is offered, so
that ledger, retention, erasure, backup and rebuilding treat it as they treat every result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from converter.result.messages.content import StudyMessage


@dataclass(frozen=True)
class MessageKind:
    """One row. sop_class_uid: of the file it is kept in (2.25 and a UUID, PS3.5 B.2); module: has a function `write`,
    imported when a message is written."""

    name: str
    summary: str
    sop_class_uid: str
    media_type: str
    module: str

    def write(self, message: StudyMessage) -> bytes:
        return cast("Callable[[StudyMessage], bytes]", import_module(self.module).write)(message)


MESSAGE_KINDS: Mapping[str, MessageKind] = {
    row.name: row
    for row in (
        MessageKind(
            "hl7",
            "HL7 v2.5.1 ORU^R01 message",
            "2.25.134204761199810817577600850035889138399",
            "x-application/hl7-v2+er7",
            "converter.result.messages.hl7",
        ),
        MessageKind(
            "fhir",
            "FHIR R4 DiagnosticReport with Observations",
            "2.25.197134119131635001446245782216250861636",
            "application/fhir+json",
            "converter.result.messages.fhir",
        ),
        MessageKind(
            "webhook",
            "JSON message",
            "2.25.64262203335731190485225862963152639816",
            "application/json",
            "converter.result.messages.webhook",
        ),
    )
}
MESSAGE_CLASSES: Mapping[str, MessageKind] = {kind.sop_class_uid: kind for kind in MESSAGE_KINDS.values()}
