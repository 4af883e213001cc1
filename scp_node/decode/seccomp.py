"""Puts a filter of system calls (seccomp, a BPF program) on this process, from which nothing takes it away again.

What is refused fails with EPERM instead of ending the process: a library that tries something and does without it
breaks no image. Calls of another kind of machine (32 bits on a 64-bit kernel) have other numbers; only an attack makes
them, and it ends there.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator

from scp_node.decode.system_calls import ALLOWED, NUMBER_MAX, OWN_PID, SystemCall

# Machine: place of its numbers in the table, AUDIT_ARCH_* of <linux/audit.h>, number of seccomp itself.
MACHINES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}
X32_BIT = 0x40000000
# Offsets in struct seccomp_data.
NUMBER, ARCH, ARGUMENTS = 0, 4, 16
# <linux/bpf_common.h>: BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|JGE|JGT|JSET|BPF_K, BPF_RET|BPF_K.
LOAD, IF_EQUAL, IF_AT_LEAST, IF_ABOVE, IF_BIT, RETURN = 0x20, 0x15, 0x35, 0x25, 0x45, 0x06
ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
SET_MODE_FILTER, GET_ACTION_AVAIL, ALL_THREADS = 1, 2, 1

Instruction = tuple[int, int, int, int]
"""code; how many instructions to step over if true, and if false; operand."""


def is_offered() -> bool:
    """Whether this machine and its kernel have such filters."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        return False
    return _call(machine[2], GET_ACTION_AVAIL, 0, ctypes.byref(ctypes.c_uint32(ERRNO))) == 0


def restrict() -> None:
    """Allow this process, all of its threads, what the table allows. Needs no-new-privileges. Raises OSError."""
    column, arch, seccomp = MACHINES[platform.machine()]
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program(column, arch, os.getpid()))
    instructions = ctypes.create_string_buffer(code, len(code))
    filter_ = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions)))
    if _call(seccomp, SET_MODE_FILTER, ALL_THREADS, filter_) != 0:
        raise OSError(ctypes.get_errno() or errno.EBUSY, "seccomp filter refused")


def program(column: int, arch: int, own_pid: int) -> list[Instruction]:
    """The filter: for each system call of the table a test of its number, then of an argument, then an answer."""
    instructions: list[Instruction] = [
        (LOAD, 0, 0, ARCH),
        (IF_EQUAL, 1, 0, arch),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD, 0, 0, NUMBER),
        (IF_AT_LEAST, 0, 1, X32_BIT),
        (RETURN, 0, 0, KILL_PROCESS),
    ]
    for call in ALLOWED:
        number = call.numbers[column]
        if number is not None:
            answer = list(_answer(call, own_pid))
            instructions += [(IF_EQUAL, 0, len(answer), number), *answer]
    unknown = [(IF_ABOVE, 0, 1, NUMBER_MAX), (RETURN, 0, 0, ERRNO | errno.ENOSYS)]
    return [*instructions, *unknown, (RETURN, 0, 0, ERRNO | errno.EPERM)]


def _answer(call: SystemCall, own_pid: int) -> Iterator[Instruction]:
    if call.when != "always":
        yield LOAD, 0, 0, ARGUMENTS + 8 * call.argument  # the lower half; the upper one means nothing to these calls
        for value in call.values:
            if call.when == "one_of":
                yield IF_EQUAL, 0, 1, own_pid if value == OWN_PID else value
            else:
                yield IF_BIT, *((0, 1) if call.when == "has" else (1, 0)), value
            yield RETURN, 0, 0, ALLOW
        yield RETURN, 0, 0, ERRNO | call.refusal
    else:
        yield RETURN, 0, 0, ALLOW


def _call(*arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(*arguments))
