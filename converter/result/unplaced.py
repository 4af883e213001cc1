"""Why a finding that is present has no region: one row a reason, with what people read."""

from __future__ import annotations

from converter.words.catalogue import ENGLISH, Say

FLAT_MAP = "flat-map"
OUTSIDE_LUNGS = "outside-lungs"
BOTH_LUNGS = "both-lungs"
NO_LUNGS = "no-lungs"
SWITCHED_OFF = "switched-off"
NOT_PLACED = "not placed"

UNPLACED: dict[str, str] = {
    FLAT_MAP: "no spot of the map stands out",
    OUTSIDE_LUNGS: "the strongest spot of the map lies outside the lungs",
    BOTH_LUNGS: "one spot of the map spans both lungs",
    NO_LUNGS: "no lungs were outlined",
    SWITCHED_OFF: "this site shows no places",
}


def unplaced_words(code: str, say: Say = ENGLISH) -> str:
    """What a reader is told of `code`, which another release may have written; empty where there is nothing to tell."""
    return f"{say(NOT_PLACED)}: {say(UNPLACED.get(code, code))}" if code else ""
