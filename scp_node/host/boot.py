"""Which machine this is, since it was started: no two have the same answer, clones of each other neither."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Another one after each start of the machine; where the kernel has none, the address of its network card."""
    with suppress(OSError):
        return _BOOT_ID.read_text().strip()
    return str(uuid.getnode())
