"""Whether the clock of this machine is kept right by somebody, as the kernel knows it."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

# struct timex of <sys/timex.h> on 64-bit Linux: its size, and where maxerror (long, microseconds) and status (int) are.
_TIMEX_BYTES, _MAXERROR, _STATUS = 208, 24, 40
_STA_UNSYNC = 0x40


@dataclass(frozen=True)
class ClockState:
    """`is_kept`: a daemon such as chrony keeps the clock right; `error_s_max`: by the kernel's own estimate."""

    is_kept: bool
    error_s_max: float


def clock_state() -> ClockState | None:
    """None where the kernel does not tell."""
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_long) != 8:
        return None
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes 0: asked, not set
    try:
        if ctypes.CDLL(None, use_errno=True).adjtimex(timex) < 0:
            return None
    except AttributeError:
        return None
    status = ctypes.c_int.from_buffer(timex, _STATUS).value
    return ClockState(not status & _STA_UNSYNC, ctypes.c_long.from_buffer(timex, _MAXERROR).value / 1e6)
