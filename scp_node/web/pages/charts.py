"""Small charts as SVG that the server makes: no script, colours by classes of the style sheet, and words for those who
do not see them."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_SVG = Markup(
    '<svg class="chart" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
    'aria-labelledby="{ident}-title {ident}-desc" preserveAspectRatio="none">'
    '<title id="{ident}-title">{title}</title><desc id="{ident}-desc">{described}</desc>{body}</svg>'
)
_BAR = Markup('<rect class="bar" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>')
_LAST = Markup('<rect class="bar last" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>')
_LINE = Markup('<polyline class="line" fill="none" points="{points}"/>')
_BASE = Markup('<line class="base" x1="0" x2="{width}" y1="{y}" y2="{y}"/>')
_LEVEL = Markup('<line class="level" x1="0" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
GAP = 0.2


def bars(values: Sequence[float], ident: str, title: str, described: str, width: int = 360, height: int = 64) -> Markup:
    """One bar a value, the last one, which is not over yet, in a colour of its own."""
    highest, step = max(values, default=0) or 1, width / max(1, len(values))
    body = _BASE.format(width=width, y=height - 0.5)
    for place, value in enumerate(values):
        tall = (height - 2) * value / highest
        shape = _LAST if place == len(values) - 1 else _BAR
        body += shape.format(x=place * step, y=height - 1 - tall, width=step * (1 - GAP), height=tall)
    return _SVG.format(width=width, height=height, ident=ident, title=title, described=described, body=body)


def sparkline(
    values: Sequence[float],
    ident: str,
    title: str,
    described: str,
    level: float | None = None,
    width: int = 360,
    height: int = 64,
) -> Markup:
    """A line through the values, from zero on; `level` is drawn across it."""
    highest = max([*values, level or 0.0], default=0) or 1
    step = width / max(1, len(values) - 1)

    def y_of(value: float) -> float:
        return height - 2 - (height - 4) * value / highest

    points = " ".join(f"{place * step:.1f},{y_of(value):.1f}" for place, value in enumerate(values))
    body = _BASE.format(width=width, y=height - 0.5)
    if level is not None:
        body += _LEVEL.format(width=width, y=y_of(level))
    if len(values) > 1:
        body += _LINE.format(points=points)
    return _SVG.format(width=width, height=height, ident=ident, title=title, described=described, body=body)


CHARTS = {"bars": bars, "sparkline": sparkline}
