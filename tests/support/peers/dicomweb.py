"""Answers of DICOMweb archives, as a scripted one gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

DICOM_JSON = {"Content-Type": "application/dicom+json"}
REFERENCED, FAILED = "00081199", "00081198"


def store_answer(
    stored: Sequence[str] = (),
    failed: Mapping[str, int | None] | None = None,
    warnings: Mapping[str, int] | None = None,
) -> bytes:
    """A Store Instances Response: UIDs that were stored, and those that were not, with their reasons."""
    found: dict[str, Any] = {}
    warned = warnings or {}
    if stored or warned:
        items = [_item(uid) for uid in stored] + [_item(uid, "00081196", code) for uid, code in warned.items()]
        found[REFERENCED] = {"vr": "SQ", "Value": items}
    if failed:
        found[FAILED] = {"vr": "SQ", "Value": [_item(uid, "00081197", code) for uid, code in failed.items()]}
    return json.dumps(found).encode()


def instances(*uids: str) -> bytes:
    """What QIDO-RS finds at the level of instances."""
    return json.dumps([{"00080018": {"vr": "UI", "Value": [uid]}} for uid in uids]).encode()


def _item(uid: str, tag: str = "", number: int | None = None) -> dict[str, Any]:
    item: dict[str, Any] = {"00081150": {"vr": "UI", "Value": ["1.2"]}, "00081155": {"vr": "UI", "Value": [uid]}}
    if number is not None:
        item[tag] = {"vr": "US", "Value": [number]}
    return item
