"""Which body part a header names: Body Part Examined in all its spellings, else the coded Anatomic Region."""

from __future__ import annotations

import re

from pydicom import Dataset

from converter.image.header import items, value, word

# Spellings met for a body part of a model's intended use, as whole words of Body Part Examined or of a code meaning.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "CHEST": ("CHEST", "CXR", "LUNG", "LUNGS", "THORAX", "THORACIC CAVITY", "TORAX", "TORACE", "POITRINE", "PECHO"),
}
# (Code Value) of the same body part: SCT, and SRT as older devices write it (PS3.16 CID 4, CID 4009; PS3.16 annex L).
CODES: dict[str, frozenset[str]] = {
    "CHEST": frozenset(
        {"816094009", "51185008", "43799004", "39607008", "T-D3000", "T-D0300", "T-28000"}  # chest, thorax, lung
    ),
}
# A region that goes beyond the body part, or only shares its name.
BEYOND = frozenset({"ABDOMEN", "PELVIS", "NECK", "SPINE", "HEAD", "AORTA", "ABD", "PELV", "RIB", "RIBS", "SHOULDER"})
# What a view or a technique adds to the word.
SUFFIX = r"(?:PA|AP|LAT|PORT|PORTABLE|\d\w*)?"
SAYS_NOTHING = frozenset({"", "UNKNOWN", "OTHER", "NONE", "NA", "N A", "UNSPECIFIED", "DEFAULT"})


def named_body_part(ds: Dataset) -> str:
    """What the header calls the body part, as plain words in upper case, or an empty string."""
    examined = _plain(word(ds, "BodyPartExamined"))
    if examined not in SAYS_NOTHING:
        return examined
    for region in items(ds, "AnatomicRegionSequence")[:1]:
        meaning = _plain(word(region, "CodeMeaning"))
        code = str(value(region, "CodeValue") or "").strip()
        known = next((part for part, codes in CODES.items() if code in codes), "")
        return known or ("" if meaning in SAYS_NOTHING else meaning)
    return ""


def is_one_of(named: str, body_parts: tuple[str, ...]) -> bool:
    """Whether `named` (see `named_body_part`) means one of `body_parts` and nothing beyond it."""
    if BEYOND & set(named.split()):
        return False
    spellings = {s for part in body_parts for s in (_plain(part.upper()), *SPELLINGS.get(part.upper(), ()))}
    return any(re.search(rf"(?:^|\s){re.escape(s)}{SUFFIX}(?:\s|$)", named) for s in spellings)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[A-Z0-9]+", text))
