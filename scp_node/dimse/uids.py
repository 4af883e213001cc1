"""Unique identifiers as the standard has them (PS3.5 9.1)."""

from __future__ import annotations

import re

UID_CHARACTERS_MAX = 64
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")


def is_uid(value: str) -> bool:
    """Whether `value` is a UID (PS3.5 9.1)."""
    return len(value) <= UID_CHARACTERS_MAX and _UID.fullmatch(value) is not None
