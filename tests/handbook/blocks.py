"""The generated blocks by name: what stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`."""

from __future__ import annotations

from collections.abc import Callable

from tests.handbook import codes, commands, dicom, house, messages, metrics, settings

BLOCKS: dict[str, Callable[[], str]] = {
    "settings": settings.settings,
    "commands": commands.commands,
    "metrics": metrics.metrics,
    "decline-codes": codes.decline_codes,
    "error-codes": codes.error_codes,
    "store-answers": codes.store_answers,
    "rejections": codes.rejections,
    "commitment-answers": codes.commitment_answers,
    "archive-statuses": codes.archive_statuses,
    "stow-answers": codes.stow_answers,
    "archive-faults": codes.archive_faults,
    "commitment-refusals": codes.commitment_refusals,
    "commitment-failures": codes.commitment_failures,
    "received-classes": dicom.received_classes,
    "received-syntaxes": dicom.received_syntaxes,
    "sent-classes": dicom.sent_classes,
    "message-oru": messages.message_hl7,
    "message-fhir": messages.message_fhir,
    "message-webhook": messages.message_webhook,
    "acknowledgements": messages.hl7_answers,
    "http-answers": messages.http_answers,
    "plan": house.plan,
    "rooms": house.rooms,
    "converter-rooms": house.converter_rooms,
    "steps": house.steps,
}
