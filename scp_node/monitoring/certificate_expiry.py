"""Says in the log, at the start and then once a day, when the node's certificate expires."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from converter.page.counted import counted
from scp_node.settings import Tls
from scp_node.tls.certificates import certificate_expiry

log = logging.getLogger(__name__)
LOOK_EVERY_S = 86400.0


class CertificateWatch:
    """`look` may be called as often as one likes; it acts when a day has passed, or when the section has changed."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock, self._now = clock, now
        self._looked_at = 0.0
        self._tls: Tls | None = None

    def look(self, tls: Tls) -> None:
        if tls == self._tls and self._clock() - self._looked_at < LOOK_EVERY_S:
            return
        self._tls, self._looked_at = tls, self._clock()
        if tls.profile == "off" or tls.certificate is None:
            return
        extra = {"file": str(tls.certificate)}
        try:
            expires = certificate_expiry(tls.certificate)
        except (OSError, ValueError):
            log.error("TLS certificate cannot be read", extra=extra)
            return
        days = days_left(expires, self._now())
        level = logging.INFO
        if days < tls.warn_before_days:
            level = logging.ERROR if days < tls.alarm_before_days else logging.WARNING
        event = "TLS certificate has expired" if expires <= self._now() else "TLS certificate expires"
        log.log(level, event, extra={**extra, "expires": expires.isoformat(), "days_left": days})


def certificate_faults(tls: Tls, now: datetime) -> list[str]:
    """Why no peer can take the node's own certificate, in words; empty where there is none, or it is in force."""
    return [fault for fault, _ in _faults(tls, now) if fault]


def certificate_cautions(tls: Tls, now: datetime) -> list[str]:
    """That the node's own certificate expires soon, in words."""
    return [caution for _, caution in _faults(tls, now) if caution]


def _faults(tls: Tls, now: datetime) -> Iterator[tuple[str, str]]:
    if tls.profile == "off" or tls.certificate is None:
        return
    try:
        expires = certificate_expiry(tls.certificate)
    except (OSError, ValueError):
        yield f"tls.certificate {tls.certificate} cannot be read: put it back", ""
        return
    days = days_left(expires, now)
    if expires <= now:
        yield f"tls.certificate has expired at {expires:%Y-%m-%d %H:%M}Z, and no peer takes it: replace its file", ""
    elif days < tls.warn_before_days:
        yield "", f"tls.certificate expires in {counted(days, 'day')}: replace its file"


def days_left(expires: datetime, now: datetime) -> int:
    """Whole days until then, negative afterwards."""
    return (expires - now).days
