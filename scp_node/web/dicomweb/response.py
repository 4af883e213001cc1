"""The Store Instances Response in the DICOM JSON model, and its HTTP status (PS3.18 10.5.3, I.2, F.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scp_node.dimse.requests import SUCCESS
from scp_node.errors import OutOfResources
from scp_node.intake.dicomweb.incoming_file import FileAnswer

DICOM_JSON = "application/dicom+json"
RETRIEVE_URL, REFERENCED, FAILED, OTHER_FAILURES = "00081190", "00081199", "00081198", "0008119A"
SOP_CLASS, SOP_INSTANCE, FAILURE_REASON = "00081150", "00081155", "00081197"
# This node gives nothing out: both addresses are of type 2, and empty.
_NOWHERE = {"vr": "UR"}


def is_stored(one: FileAnswer) -> bool:
    return one.answer.status == SUCCESS.status


def status_of(answers: Sequence[FileAnswer], *, is_broken: bool = False) -> int:
    """Table 10.5.3-1. `is_broken`: the body could not be read to its end, and what came before is answered."""
    stored = sum(map(is_stored, answers))
    if stored:
        return 200 if stored == len(answers) and not is_broken else 202
    if is_broken or not answers:
        return 400
    return 503 if all(one.answer.status == OutOfResources.dimse_status for one in answers) else 409


def store_response(answers: Sequence[FileAnswer], broken_status: int | None = None) -> dict[str, Any]:
    """What became of each instance. One of which it could not be told which object it is, and the rest of a body that
    cannot be read (`broken_status`), are other failures."""
    named = [one for one in answers if one.sop_class_uid and one.sop_instance_uid]
    nameless = [one.answer.status for one in answers if not (one.sop_class_uid and one.sop_instance_uid)]
    others = nameless + ([] if broken_status is None else [broken_status])
    sequences = {
        FAILED: [{**_uids(one), **_reason(one.answer.status)} for one in named if not is_stored(one)],
        REFERENCED: [{**_uids(one), RETRIEVE_URL: _NOWHERE} for one in named if is_stored(one)],
        OTHER_FAILURES: [_reason(status) for status in others],
    }
    found: dict[str, Any] = {RETRIEVE_URL: _NOWHERE}
    return found | {tag: {"vr": "SQ", "Value": items} for tag, items in sequences.items() if items}


def warning_of(answers: Sequence[FileAnswer], broken: str = "") -> str:
    """The first reasons in words, for the header Warning (RFC 7234 5.5): the response has codes only."""
    reasons = dict.fromkeys(one.answer.comment for one in answers if one.answer.comment)
    told = "; ".join([*list(reasons)[:3], *([broken] if broken else [])])
    clean = "".join(one if one.isascii() and one.isprintable() and one not in '"\\' else "?" for one in told)
    return f'299 hilum "{clean[:400]}"' if clean else ""


def _uids(one: FileAnswer) -> dict[str, Any]:
    return {
        SOP_CLASS: {"vr": "UI", "Value": [one.sop_class_uid]},
        SOP_INSTANCE: {"vr": "UI", "Value": [one.sop_instance_uid]},
    }


def _reason(status: int) -> dict[str, Any]:
    return {FAILURE_REASON: {"vr": "US", "Value": [status]}}
