"""What results say to a person: percentages, and text that fits any character set."""

from __future__ import annotations

import unicodedata
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from converter.errors import Unreportable

# The least and the greatest percentage that a result states: a calibrated model is never certain.
PERCENT_MIN, PERCENT_MAX = Decimal("0.1"), Decimal("99.9")
DECIMALS_MAX = 6


def percent(probability: float, threshold: float) -> str:
    """`probability` in percent: one decimal, more only where one would put it on the wrong side of `threshold`.

    0.95123 -> "95.1"; with a threshold of 0.42, 0.41998 -> "41.9" (not 42.0, which would read as present).
    Never below 0.1 nor above 99.9, unless the threshold lies beyond.
    """
    exact, limit = Decimal(repr(_checked(probability))) * 100, Decimal(threshold_percent(threshold))
    positive = probability >= threshold
    rounded = exact.quantize(Decimal("0.1"), ROUND_HALF_UP)
    rounded = min(max(rounded, PERCENT_MIN), PERCENT_MAX)
    if (rounded >= limit) == positive:
        return str(rounded)
    for decimals in range(1, DECIMALS_MAX + 1):
        step = Decimal(1).scaleb(-decimals)
        for candidate in (exact.quantize(step, ROUND_DOWN), exact.quantize(step, ROUND_HALF_UP)):
            if (candidate >= limit) == positive:
                return str(candidate)
    return str(exact.normalize())


def threshold_percent(threshold: float) -> str:
    """`threshold` in percent with as many decimals as it has, one at least and four at most: 0.42 -> "42.0"."""
    exact = (Decimal(repr(_checked(threshold))) * 100).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    whole, _, decimals = str(exact).partition(".")
    return f"{whole}.{decimals.rstrip('0') or '0'}"


def plain(text: str) -> str:
    """`text` in printable ASCII, which every Specific Character Set contains (PS3.5 6.1.2.1)."""
    decomposed = unicodedata.normalize("NFKD", text)
    folded = "".join(
        character
        if " " <= character <= "~"
        else ""
        if unicodedata.combining(character)
        else " "
        if character.isspace()
        else "?"
        for character in decomposed
    )
    return folded.replace("\\", "/")


def _checked(fraction: float) -> float:
    if not 0.0 <= fraction <= 1.0:
        raise Unreportable(f"a probability or threshold of {fraction} lies outside 0 to 1")
    return float(fraction)
