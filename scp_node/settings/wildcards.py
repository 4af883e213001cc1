"""Patterns over header values: the wildcards of a shell, and nothing that could take long.

A regular expression of somebody's making may take exponential time on a header of somebody else's making. `*` stands
for any characters, `?` for one; everything else stands for itself, in capitals or not, and the whole value counts.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

PATTERN_CHARS_MAX, PATTERNS_MAX = 64, 32
_PLACES = "PS3.5 6.2"


def _pattern(value: str) -> str:
    """Raises ValueError for one that no value can match, or that means something else to who wrote it."""
    if not 1 <= len(value) <= PATTERN_CHARS_MAX:
        raise ValueError(f"a pattern has 1 to {PATTERN_CHARS_MAX} characters, this one has {len(value)}")
    if not value.isprintable() or "\\" in value:
        raise ValueError(f"'{value!r}' matches nothing: no value holds a backslash or a control character ({_PLACES})")
    if value != value.strip(" "):
        raise ValueError(f"'{value}' matches nothing: blanks at either end of a value do not count ({_PLACES})")
    if value.startswith("^") or value.endswith("$"):
        raise ValueError(
            f"'{value}' looks like a regular expression; * stands for any characters, ? for one, and the whole value "
            "is compared without ^ and $"
        )
    return value


Pattern = Annotated[
    str,
    AfterValidator(_pattern),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": PATTERN_CHARS_MAX, "format": "wildcards"}),
]


def matches(text: str, pattern: str) -> bool:
    """Whether all of `text` is as `pattern` says, in at most len(text) * len(pattern) steps.

    Each `*` takes as little as it can; where what follows fails, only the last one takes one character more: an earlier
    one could not help (Kurtz' rule of greedy wildcards).
    """
    text, pattern = _folded(text), _folded(pattern)
    at = of = 0
    star, resume = -1, 0
    while at < len(text):
        if of < len(pattern) and pattern[of] == "*":
            star, resume, of = of, at, of + 1
        elif of < len(pattern) and pattern[of] in ("?", text[at]):
            at, of = at + 1, of + 1
        elif star >= 0:
            resume += 1
            at, of = resume, star + 1
        else:
            return False
    return not pattern[of:].strip("*")


def _folded(text: str) -> str:
    """As it is compared: composed, and without the difference of capitals."""
    return unicodedata.normalize("NFC", text.casefold())
