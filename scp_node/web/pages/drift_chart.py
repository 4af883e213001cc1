"""How one number of the images of a sender is spread, beside the films that a model was validated with, as SVG."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, FOOT = 280, 96, 14
_SVG = Markup('<svg class="chart" width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
_BAR = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>')
_LINE = Markup('<line class="axis" x1="0" y1="{0}" x2="{1}" y2="{0}"/>')
_TEXT = Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="{}">{}</text>')


def drift_chart(label: str, edges: Sequence[float], reference: Sequence[float], shares: Sequence[float]) -> Markup:
    """Two bars a bin: the share of the reference films in it, and that of the images now. `label`: for who listens."""
    highest = max([*reference, *shares, 0.01])
    step, floor = WIDTH / len(reference), HEIGHT - FOOT
    bars = []
    for place, pair in enumerate(zip(reference, shares, strict=True)):
        for part, (share, kind) in enumerate(zip(pair, ("reference", "present"), strict=True)):
            tall = (floor - 2) * share / highest
            title = f"{_range(place, edges)}: {100 * share:.1f} %"
            bars.append(
                _BAR.format(kind, place * step + (0.1 + 0.4 * part) * step, floor - tall, 0.4 * step, tall, title)
            )
    ticks = [_TEXT.format(0, HEIGHT - 3, "start", f"< {edges[0]:.3g}")]
    ticks.append(_TEXT.format(WIDTH, HEIGHT - 3, "end", f"≥ {edges[-1]:.3g}"))
    return _SVG.format(
        WIDTH, HEIGHT, WIDTH, HEIGHT, label, Markup("").join([*bars, _LINE.format(floor, WIDTH), *ticks])
    )


def _range(place: int, edges: Sequence[float]) -> str:
    if place == 0:
        return f"< {edges[0]:.3g}"
    if place == len(edges):
        return f"≥ {edges[-1]:.3g}"
    return f"{edges[place - 1]:.3g} to {edges[place]:.3g}"
