"""The system calls that a confined decoding process may make; every other one is refused.

An allow-list, because the kernel gets new calls with each version: what nobody thought of is refused too. Decoding
needs memory, threads, clocks and the descriptors it holds; it opens nothing, makes no process and knows no address.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Literal

# What <linux/...> calls by these names.
CLONE_THREAD, PROT_EXEC, PR_SET_NAME = 0x00010000, 0x4, 15
F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC = 0, 1, 2, 3, 4, 1030
# Stands for the number of the process itself, which is known when the filter is made.
OWN_PID = -1
# Numbers above are calls that were added since; libraries take ENOSYS for "not on this kernel" and do without.
NUMBER_MAX = 467


@dataclass(frozen=True)
class SystemCall:
    """`numbers` on x86_64 and aarch64; None where there is none. It is allowed when its argument number `argument`
    (from 0) is one of `values`, has a bit of `values[0]`, or lacks all of them; `always` looks at no argument."""

    name: str
    numbers: tuple[int | None, int | None]
    when: Literal["always", "one_of", "has", "lacks"] = "always"
    argument: int = 0
    values: tuple[int, ...] = ()
    refusal: int = errno.EPERM


# The most frequent ones first.
ALLOWED: tuple[SystemCall, ...] = (
    SystemCall("read", (0, 63)),
    SystemCall("write", (1, 64)),
    SystemCall("recvmsg", (47, 212)),
    SystemCall("futex", (202, 98)),
    # No memory becomes a program: what an attacker writes cannot be run as machine code.
    SystemCall("mmap", (9, 222), "lacks", 2, (PROT_EXEC,)),
    SystemCall("mprotect", (10, 226), "lacks", 2, (PROT_EXEC,)),
    SystemCall("munmap", (11, 215)),
    SystemCall("mremap", (25, 216)),
    SystemCall("madvise", (28, 233)),
    SystemCall("brk", (12, 214)),
    SystemCall("readv", (19, 65)),
    SystemCall("writev", (20, 66)),
    SystemCall("pread64", (17, 67)),
    SystemCall("preadv", (295, 69)),
    SystemCall("preadv2", (327, 286)),
    SystemCall("lseek", (8, 62)),
    SystemCall("close", (3, 57)),
    SystemCall("fstat", (5, 80)),
    SystemCall("newfstatat", (262, 79)),  # glibc's fstat; of a path it tells no more than that it is there
    SystemCall("dup", (32, 23)),
    # Not F_SETOWN and F_SETSIG, by which a descriptor sends any signal to any process of the user.
    SystemCall("fcntl", (72, 25), "one_of", 1, (F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC)),
    SystemCall("poll", (7, None)),
    SystemCall("ppoll", (271, 73)),
    SystemCall("select", (23, None)),
    SystemCall("pselect6", (270, 72)),
    SystemCall("clock_gettime", (228, 113)),
    SystemCall("clock_getres", (229, 114)),
    SystemCall("clock_nanosleep", (230, 115)),
    SystemCall("nanosleep", (35, 101)),
    SystemCall("gettimeofday", (96, 169)),
    SystemCall("times", (100, 153)),
    SystemCall("getrusage", (98, 165)),
    SystemCall("getrandom", (318, 278)),
    SystemCall("sched_yield", (24, 124)),
    SystemCall("sched_getaffinity", (204, 123)),
    SystemCall("getcpu", (309, 168)),
    SystemCall("membarrier", (324, 283)),
    SystemCall("set_robust_list", (273, 99)),
    SystemCall("rseq", (334, 293)),
    SystemCall("set_tid_address", (218, 96)),
    SystemCall("restart_syscall", (219, 128)),
    SystemCall("rt_sigaction", (13, 134)),
    SystemCall("rt_sigprocmask", (14, 135)),
    SystemCall("rt_sigreturn", (15, 139)),
    SystemCall("sigaltstack", (131, 132)),
    SystemCall("getpid", (39, 172)),
    SystemCall("gettid", (186, 178)),
    SystemCall("getppid", (110, 173)),
    SystemCall("getuid", (102, 174)),
    SystemCall("geteuid", (107, 175)),
    SystemCall("getgid", (104, 176)),
    SystemCall("getegid", (108, 177)),
    SystemCall("sysinfo", (99, 179)),
    SystemCall("uname", (63, 160)),
    SystemCall("exit", (60, 93)),
    SystemCall("exit_group", (231, 94)),
    # A thread, never a process. clone3 hides its flags from the filter: glibc then does with clone.
    SystemCall("clone", (56, 220), "has", 0, (CLONE_THREAD,)),
    SystemCall("clone3", (435, 435), "one_of", 0, (), errno.ENOSYS),
    SystemCall("prctl", (157, 167), "one_of", 0, (PR_SET_NAME,)),
    # Only of and to itself: a limit of processor time for each image, and abort().
    SystemCall("prlimit64", (302, 261), "one_of", 0, (0,)),
    SystemCall("kill", (62, 129), "one_of", 0, (OWN_PID,)),
    SystemCall("tgkill", (234, 131), "one_of", 0, (OWN_PID,)),
)
