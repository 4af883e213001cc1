"""The states of images, deliveries and jobs, and the kinds of results, in the words of a page: each a caption."""

from __future__ import annotations

from scp_node.ledger.records import DeliveryState, InstanceState, JobState

IMAGE_WORDS: dict[InstanceState, str] = {
    "received": "being analysed",
    "declined": "declined",
    "quarantined": "quarantined",
    "inferred": "analysed",
    "reported": "reported",
}
# The one that needs a person comes last, and is seen there.
DELIVERY_WORDS: dict[DeliveryState, str] = {
    "committed": "confirmed by the archive",
    "sent": "sent",
    "queued": "to be sent",
    "failed": "waiting for another attempt",
    "dead": "given up",
}
JOB_WORDS: dict[JobState, str] = {
    "queued": "waits for its turn",
    "waiting": "waits for another attempt",
    "running": "running",
    "dead": "given up",
    "done": "done",
}
# A kind without a row is shown by its name.
RESULT_WORDS: dict[str, str] = {
    "heatmap": "Heat map",
    "gsps": "Presentation state",
    "sr": "Structured Report",
    "text_sr": "Report in sentences",
    "kos": "Key objects",
    "status": "Status card",
    "pdf": "Report as PDF",
    "hl7": "HL7 message",
    "fhir": "FHIR message",
    "webhook": "Webhook message",
}
