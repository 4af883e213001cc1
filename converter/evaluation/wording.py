"""Numbers and names as the page words them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Figure = Mapping[str, float | None]
NOTHING = "–"


def decimal(figure: Figure, places: int = 3) -> str:
    """0.853 (0.760 to 0.934); a dash where there is no figure."""
    return _worded(figure, lambda number: f"{number:.{places}f}")


def percent(figure: Figure) -> str:
    """88.2 % (79.3 to 96.0)"""
    return _worded(figure, lambda number: f"{100 * number:.1f}", " %")


def signed(figure: Figure, places: int = 3) -> str:
    """+0.012 (-0.003 to +0.027)"""
    return _worded(figure, lambda number: f"{number:+.{places}f}".replace("-", "−"))


def p_value(p: float | None) -> str:
    if p is None:
        return NOTHING
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.4f}" if p < 0.01 else f"p = {p:.2f}"


def in_a_sentence(meaning: str) -> str:
    """'Pneumonia' as 'pneumonia', 'COVID-19' as it is."""
    return meaning[:1].lower() + meaning[1:] if meaning[1:2].islower() else meaning


def _worded(figure: Figure, write: Callable[[float], str], unit: str = "") -> str:
    value, low, high = (figure[key] for key in ("value", "low", "high"))
    if value is None:
        return NOTHING
    if low is None or high is None:
        return f"{write(value)}{unit}"
    return f"{write(value)}{unit} ({write(low)} to {write(high)})"
