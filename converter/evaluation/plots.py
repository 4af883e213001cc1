"""Plots as inline SVG: colours come from the style sheet of the page, so that they follow light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from converter.evaluation.curves import Point

SIDE = 300
LEFT, TOP, RIGHT, BOTTOM = 62, 12, 14, 42
SERIES_MAX = 6
STATED = "probability that the model states"
Figure = dict[str, float | None]


def square(
    series: Sequence[Sequence[Point]],
    marks: Sequence[tuple[float | None, float | None]],
    titles: tuple[str, str],
    label: str,
    diagonal: bool = False,
) -> str:
    """Curves over 0..1 x 0..1 with the operating point of each; titles are those of the x and the y axis."""
    parts = [_axes(*titles), _line("chance", [(0, 0), (1, 1)]) if diagonal else ""]
    parts += [_line(colour(n), points) for n, points in enumerate(series)]
    for n, (x, y) in enumerate(marks):
        if x is not None and y is not None:
            parts.append(f'<circle class="mark {colour(n)}" cx="{_x(x)}" cy="{_y(y)}" r="5"/>')
    return _svg(SIDE + LEFT + RIGHT, SIDE + TOP + BOTTOM, label, parts)


def sample(number: int) -> str:
    """A piece of the line of a series, for a legend."""
    return f'<svg width="34" height="10" aria-hidden="true"><path class="{colour(number)}" d="M1 5H33"/></svg>'


def colour(number: int) -> str:
    """The class of the style sheet that colours a series."""
    return f"s{number % SERIES_MAX + 1}"


def reliability(bins: Sequence[dict[str, Any]], number: int, label: str) -> str:
    """Share of positives over mean probability in each tenth of the scale, with intervals; larger dots, more images."""
    parts = [_axes(STATED, "share that is labelled with it"), _line("chance", [(0, 0), (1, 1)])]
    most, series = max(one["images"] for one in bins), colour(number)
    parts.append(_line(f"{series} thin", [(one["mean_probability"], one["share_positive"]) for one in bins]))
    for one in bins:
        x, radius = _x(one["mean_probability"]), 3 + 5 * (one["images"] / most) ** 0.5
        parts.append(f'<path class="{series} thin" d="M{x} {_y(one["low"])}V{_y(one["high"])}"/>')
        parts.append(f'<circle class="dot {series}" cx="{x}" cy="{_y(one["share_positive"])}" r="{radius:.1f}"/>')
    return _svg(SIDE + LEFT + RIGHT, SIDE + TOP + BOTTOM, label, parts)


def histogram(counts: dict[str, list[int]], threshold: float, label: str) -> str:
    """Positives upwards, negatives downwards, by probability; the dashed line is the operating threshold.

    Heights grow with the square root, or the few images between the ends could not be seen.
    """
    height, bins = 180, len(counts["positive"])
    most = max(1, *counts["positive"], *counts["negative"])
    width, middle = SIDE / bins, TOP + height / 2
    parts = [f'<rect class="field" x="{LEFT}" y="{TOP}" width="{SIDE}" height="{height}"/>']
    parts.append(f'<path class="axis" d="M{LEFT} {middle}H{LEFT + SIDE}"/>')
    for name, up in (("positive", True), ("negative", False)):
        for n, images in enumerate(counts[name]):
            if images:
                tall = (images / most) ** 0.5 * (height / 2 - 4)
                y = middle - tall if up else middle
                parts.append(
                    f'<rect class="{name}" x="{LEFT + n * width + 1:.1f}" y="{y:.1f}" width="{width - 2:.1f}" '
                    f'height="{tall:.1f}"><title>{images}</title></rect>'
                )
    x = _x(threshold)
    parts.append(f'<path class="threshold" d="M{x} {TOP}V{TOP + height}"/>')
    parts += [
        _text(LEFT - 6, y, str(images), "end") for y, images in ((TOP + 8, most), (middle + 4, 0), (TOP + height, most))
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(_text(_x(tick), TOP + height + 16, f"{tick:g}", "middle"))
    parts.append(_text(LEFT + SIDE / 2, TOP + height + 34, STATED, "middle", "title"))
    return _svg(SIDE + LEFT + RIGHT, TOP + height + BOTTOM, label, parts)


def steps(
    series: Sequence[tuple[str, Sequence[Figure]]], ticks: Sequence[str], x_title: str, label: str, dashed: float = 0.5
) -> str:
    """Figures between 0 and 1, with their intervals, at evenly spaced steps; one line a series, broken where a figure
    is unknown. `ticks`: the words below the steps; `dashed`: where the line of chance lies."""
    parts = [f'<rect class="field" x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}"/>']
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<path class="grid" d="M{LEFT} {_y(tick)}H{LEFT + SIDE}"/>')
        parts.append(_text(LEFT - 6, _y(tick) + 4, f"{tick:g}", "end"))
    places = [(n + 0.5) / len(ticks) for n in range(len(ticks))]
    parts += [_text(_x(x), TOP + SIDE + 16, words, "middle") for x, words in zip(places, ticks, strict=True)]
    parts.append(_text(LEFT + SIDE / 2, TOP + SIDE + 34, x_title, "middle", "title"))
    parts.append(_line("chance", [(0, dashed), (1, dashed)]))
    for number, (_, figures) in enumerate(series):
        run: list[Point] = []
        for x, figure in zip(places, figures, strict=True):
            y, low, high = (figure[key] for key in ("value", "low", "high"))
            if y is None:
                parts, run = [*parts, *_run(number, run)], []
                continue
            run.append((x, y))
            if low is not None and high is not None:
                parts.append(f'<path class="{colour(number)} thin" d="M{_x(x)} {_y(low)}V{_y(high)}"/>')
            parts.append(f'<circle class="dot {colour(number)}" cx="{_x(x)}" cy="{_y(y)}" r="4"/>')
        parts += _run(number, run)
    return _svg(SIDE + LEFT + RIGHT, SIDE + TOP + BOTTOM, label, parts)


def _run(number: int, points: Sequence[Point]) -> list[str]:
    return [_line(colour(number), points)] if len(points) > 1 else []


def interval(figure: Figure, low: float = 0.0) -> str:
    """A small bar from `low` to 1 with the interval and the figure on it; nothing where there is no figure."""
    value, start, end = (figure[key] for key in ("value", "low", "high"))
    if value is None or start is None or end is None:
        return ""

    def x(number: float) -> float:
        return round(4 + 112 * min(1.0, max(0.0, (number - low) / (1 - low))), 1)

    parts = [
        '<path class="grid" d="M4 9H116"/>',
        f'<path class="range" d="M{x(start)} 9H{x(end)}"/>',
        f'<circle class="point" cx="{x(value)}" cy="9" r="4"/>',
    ]
    return (
        '<svg class="bar" viewBox="0 0 120 18" width="120" height="18" aria-hidden="true" focusable="false">'
        f"{''.join(parts)}</svg>"
    )


def _axes(x_title: str, y_title: str) -> str:
    parts = [f'<rect class="field" x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}"/>']
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<path class="grid" d="M{_x(tick)} {TOP}V{TOP + SIDE}M{LEFT} {_y(tick)}H{LEFT + SIDE}"/>')
        parts.append(_text(_x(tick), TOP + SIDE + 16, f"{tick:g}", "middle"))
        parts.append(_text(LEFT - 6, _y(tick) + 4, f"{tick:g}", "end"))
    parts.append(_text(LEFT + SIDE / 2, TOP + SIDE + 34, x_title, "middle", "title"))
    middle = TOP + SIDE / 2
    parts.append(
        f'<text class="title" text-anchor="middle" transform="rotate(-90 14 {middle})" x="14" y="{middle}">'
        f"{escape(y_title)}</text>"
    )
    return "".join(parts)


def _line(classes: str, points: Sequence[Point]) -> str:
    return f'<polyline class="{classes}" points="{" ".join(f"{_x(x)},{_y(y)}" for x, y in points)}"/>'


def _text(x: float, y: float, words: str, anchor: str, classes: str = "tick") -> str:
    return f'<text class="{classes}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(width: int, height: int, label: str, parts: Sequence[str]) -> str:
    opening = f'<svg class="plot" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">'
    return f"{opening}{''.join(parts)}</svg>"


def _x(value: float) -> float:
    return round(LEFT + SIDE * value, 1)


def _y(value: float) -> float:
    return round(TOP + SIDE * (1 - value), 1)
