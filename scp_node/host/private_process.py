"""Keeps what a process of the node holds to itself: files it makes, its memory, and the image of it after a crash."""

from __future__ import annotations

import ctypes
import os
import resource
import sys

PRIVATE_UMASK = 0o077
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38


def keep_private() -> None:
    """For the whole process, and at the start of each: its files are for its user alone, it leaves no core file, and on
    Linux no other process of the same user may read its memory, environment or descriptors."""
    os.umask(PRIVATE_UMASK)
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0 if hard == resource.RLIM_INFINITY else min(0, hard)))
    if sys.platform.startswith("linux"):
        prctl(PR_SET_DUMPABLE, 0)


def prctl(option: int, value: int) -> None:
    """Raises OSError."""
    zero = ctypes.c_ulong(0)
    if ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), zero, zero, zero) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} refused")
