"""How pages write numbers and moments: with their unit, and with their zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from markupsafe import Markup

NOTHING = "–"
BREAKS = "._/"
_BREAK = re.compile(f"(?<=[^{BREAKS}])([{BREAKS}])(?=[^{BREAKS}])")
_SPANS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))


def moment(value: datetime | None) -> Markup:
    """Local time with its zone, and the same for machines."""
    if value is None:
        return Markup(NOTHING)
    local = value.astimezone()
    shown = f"{local:%Y-%m-%d %H:%M:%S}"
    return Markup('<time datetime="{}">{}<span class="zone"> {}</span></time>').format(
        local.isoformat(timespec="seconds"), shown, zone(local)
    )


def day(value: datetime | None) -> Markup:
    """A local date."""
    if value is None:
        return Markup(NOTHING)
    local = value.astimezone()
    return Markup('<time datetime="{}">{}</time>').format(f"{local:%Y-%m-%d}", f"{local:%Y-%m-%d}")


def zone(value: datetime) -> str:
    """The distance from UTC: +01:00."""
    offset = f"{value.astimezone():%z}"
    return f"{offset[:3]}:{offset[3:]}"


def duration(seconds: float | None) -> str:
    """850 ms, 4.2 s, 3 min, 5 h, 2 d."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    for size, unit in _SPANS:
        if seconds >= size:
            amount = seconds / size
            return f"{amount:.1f} {unit}" if amount < 10 and unit != "min" else f"{amount:.0f} {unit}"
    return NOTHING


def ago(value: datetime | None) -> str:
    """How long ago a moment was."""
    if value is None:
        return NOTHING
    seconds = (datetime.now(UTC) - value).total_seconds()
    return f"{max(0, int(seconds))} s" if seconds < 60 else duration(seconds)


def count(value: int | None) -> str:
    """12,345."""
    return NOTHING if value is None else f"{value:,}"


def size(value: float | None) -> str:
    """Bytes in decimal units, as disks are sold: 14.2 MB."""
    if value is None:
        return NOTHING
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def percent(value: float | None) -> str:
    """A share of one as 93.4 %."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def coded(text: str) -> Markup:
    """A sentence of the code, in which backticks mark what is typed."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def breakable(text: str) -> Markup:
    """A long name, which may go on in the next line after a dot, a slash or an underscore."""
    return Markup("").join(Markup("{}<wbr>").format(part) if part in BREAKS else part for part in _BREAK.split(text))


FILTERS = {
    "coded": coded,
    "breakable": breakable,
    "moment": moment,
    "day": day,
    "duration": duration,
    "ago": ago,
    "count": count,
    "size": size,
    "percent": percent,
}
