"""The fonts that documents embed and pictures are lettered in, which of them has a character, and a name in the writing
that they can show."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

FOLDER = Path(__file__).parent / "fonts"
TEXT, KANJI = "text", "kanji"
# Family and style, as fpdf2 knows them, to the file. The large one is read only where a character needs it.
FILES = {
    (TEXT, ""): FOLDER / "DejaVuSans.ttf",
    (TEXT, "B"): FOLDER / "DejaVuSans-Bold.ttf",
    (KANJI, ""): FOLDER / "NotoSansJP.otf",
}
MISSING = "?"


@cache
def characters_of(family: str) -> frozenset[int]:
    """The code points that a family has."""
    with TTFont(FILES[family, ""], lazy=True) as font:
        return frozenset(font.getBestCmap())


@cache
def _all_characters() -> frozenset[int]:
    return characters_of(TEXT) | characters_of(KANJI)


@cache
def _kanji_only() -> frozenset[int]:
    return characters_of(KANJI) - characters_of(TEXT)


def needs_kanji(text: str) -> bool:
    """Whether a character is in the large font only."""
    return not _kanji_only().isdisjoint(map(ord, text))


def can_show(text: str) -> bool:
    """Whether every character has a glyph; nothing here joins or turns letters, as Arabic and Hebrew need it."""
    return _all_characters().issuperset(map(ord, text))


def shown(text: str) -> str:
    """`text` with a question mark for what no font has: never an empty box, which reads as nothing at all."""
    printable = "".join(one if one.isprintable() else " " for one in text)
    return printable if can_show(printable) else "".join(one if can_show(one) else MISSING for one in printable)


def shown_names(names: Sequence[str]) -> tuple[str, bool]:
    """The writings of a name that can be shown, and whether one is left out: the alphabetic one stands for it."""
    there = [name for name in names if can_show(name)]
    if there:
        first, *others = there
        return (f"{first} ({', '.join(others)})" if others else first), len(there) < len(names)
    return (shown(names[0]), True) if names else ("–", False)
