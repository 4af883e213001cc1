"""Takes every path, TCP port and foreign process from this process, by Landlock, which the kernel has from 5.13 on.

It needs no privilege, and what is taken is never given back. Each version (ABI) of it knows more rights; what a kernel
does not know is left to the filter of system calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

# One number on all machines.
CREATE_RULESET, RESTRICT_SELF = 444, 446
ASK_VERSION = 1
# From which version on how many rights there are (<linux/landlock.h>): to files, to TCP ports (bind, connect), and
# across the border (abstract sockets, signals).
FILE_RIGHTS = ((1, 13), (2, 14), (3, 15), (5, 16))
NET_RIGHTS = ((4, 2),)
SCOPES = ((6, 2),)


def version() -> int:
    """The version of Landlock that this kernel has, 0 where it has none or where it is switched off."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, _call(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(ASK_VERSION)))


def restrict() -> None:
    """Take all rights and allow none. For this thread and those it makes. Needs no-new-privileges. Raises OSError."""
    known = version()
    if known == 0:
        raise OSError(errno.ENOSYS, "no Landlock")
    rights = [_bits(known, table) for table in (FILE_RIGHTS, NET_RIGHTS, SCOPES)]
    size = 24 if rights[2] else 16 if rights[1] else 8  # a kernel knows no longer structure than its own
    attributes = ctypes.create_string_buffer(struct.pack("=QQQ", *rights)[:size], size)
    ruleset = _call(CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "Landlock ruleset refused")
    try:
        if _call(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) != 0:
            raise OSError(ctypes.get_errno(), "Landlock ruleset not enforced")
    finally:
        os.close(ruleset)


def _bits(known: int, table: tuple[tuple[int, int], ...]) -> int:
    return (1 << max((count for since, count in table if since <= known), default=0)) - 1


def _call(*arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(*arguments))
