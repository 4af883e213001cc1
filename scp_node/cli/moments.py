"""Moments for people: shown in local time with its distance from UTC, and named by a few words."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from scp_node.errors import UsageError

HELP: Final = "a time until now (2h, 3d), today, yesterday, or a date or time (2026-01-31, 2026-01-31T03:00, 22:00)"
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,6})([mhdw])")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# A space before the offset, as some write it.
_GAP = re.compile(r"\s+(?=[+-]\d{2}:?\d{2}$|Z$)")


def local(moment: datetime | None, precision: str = "seconds") -> str:
    """`2026-01-31 03:00:00+01:00`: the clock on the wall, and nobody has to guess its zone. "-" for no moment."""
    return "-" if moment is None else moment.astimezone().isoformat(sep=" ", timespec=precision)


def moment_named(option: str, text: str, now: datetime) -> datetime:
    """The moment that `text`, the value of `option`, names, seen from `now`. What names no zone is local time; a time
    of day alone is the last one that there was. Raises UsageError."""
    wanted = text.strip()
    try:
        moment = _day(wanted, now) or _span(wanted, now) or _time_of_day(wanted, now) or _iso(wanted)
        return moment.astimezone(now.tzinfo)
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{option} '{text}' is no moment: write {HELP}") from None


def _day(text: str, now: datetime) -> datetime | None:
    days_ago = {"today": 0, "yesterday": 1}.get(text.casefold())
    if days_ago is None:
        return None
    return _midnight(now.astimezone().date() - timedelta(days=days_ago))


def _span(text: str, now: datetime) -> datetime | None:
    span = _SPAN.fullmatch(text)
    return None if span is None else now - timedelta(**{_UNITS[span[2]]: int(span[1])})


def _time_of_day(text: str, now: datetime) -> datetime | None:
    if _CLOCK.fullmatch(text) is None:
        return None
    clock, today = time.fromisoformat(text.zfill(5) if text.count(":") == 1 else text.zfill(8)), now.astimezone().date()
    moment = datetime.combine(today, clock).astimezone()
    return moment if moment <= now else datetime.combine(today - timedelta(days=1), clock).astimezone()


def _iso(text: str) -> datetime:
    if _DATE.match(text) is None:
        raise ValueError(text)
    if _DATE.fullmatch(text):
        return _midnight(date.fromisoformat(text))
    return datetime.fromisoformat(_GAP.sub("", text)).astimezone()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone()
