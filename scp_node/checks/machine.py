"""The machine: its clock, what this user may have of it, and who this user is."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import scp_node
from scp_node.checks.result import CheckedNode, CheckResult, ok, problem, warning
from scp_node.host.clock import clock_state
from scp_node.host.ownership import owned_by, user_name
from scp_node.host.private_process import PRIVATE_UMASK

YEAR_MAX = 2100
# Memory of a node at rest on a processor, as the handbook says it, with room for one image.
MEMORY_BYTES_MIN = 1_500_000_000
# Files that a receiver needs beside its connections: log, ledger, locks, libraries.
FILES_BESIDE = 100
CGROUP_MEMORY = Path("/sys/fs/cgroup/memory.max")


def clock(node: CheckedNode) -> Iterator[CheckResult]:
    """Times stand in reports, in the ledger and under certificates."""
    now, installed = time.time(), Path(scp_node.__file__).stat().st_mtime
    local = datetime.fromtimestamp(now).astimezone()
    if now < installed or local.year >= YEAR_MAX:
        yield problem(
            f"the clock says {local.isoformat(' ', 'seconds')}, which cannot be", "Set it, and keep it by NTP."
        )
        return
    state = clock_state()
    kept = ", not known whether it is kept right" if state is None else f", kept right within {state.error_s_max:.3g} s"
    if state is None or state.is_kept:
        yield ok(
            f"{local.isoformat(' ', 'seconds')} ({time.tzname[time.daylight and time.localtime().tm_isdst]}){kept}"
        )
    else:
        yield warning(
            f"{local.isoformat(' ', 'seconds')}, and nothing keeps it right (the kernel knows of no NTP)",
            "Install chrony, or: timedatectl set-ntp true. In a virtual machine the host may do it.",
        )
    if not time.get_clock_info("monotonic").monotonic:
        yield problem("this system has no monotonic clock", "Timeouts and leases need one: take another system.")
    if "TZ" not in os.environ and not Path("/etc/localtime").exists():
        yield warning("no time zone is set: local times are UTC", "timedatectl set-timezone Area/City")


def user(node: CheckedNode) -> Iterator[CheckResult]:
    """Who runs this, and what is private by it."""
    name = user_name()
    yield ok(f"{name}; every file is made with umask {PRIVATE_UMASK:04o}, whatever that of the shell is")
    if os.geteuid() == 0:
        folder = node.settings.node.data_dir
        whose = f" ({folder} has {owned_by(folder)})" if folder.exists() else ""
        yield warning(
            f"runs as root, which a node does not need{whose}",
            "Run it, and this command, as a user of its own: hilum.service does, or: runuser -u hilum -- hilum ...",
        )


def limits(node: CheckedNode) -> Iterator[CheckResult]:
    """Open files and memory against what the settings allow."""
    receiver, web = node.settings.receiver, node.settings.web
    needed = receiver.connections_max + receiver.associations_max + FILES_BESIDE
    needed = max(needed, web.connections_max + FILES_BESIDE)
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    memory = memory_bytes()
    fact = (
        f"{'any number of' if files == resource.RLIM_INFINITY else files} open files (a full receiver needs {needed})"
    )
    if files != resource.RLIM_INFINITY and files < needed:
        yield warning(fact, "Raise it: LimitNOFILE in hilum.service, or 'ulimit -n' of the shell.", ("receiver",))
    else:
        yield ok(fact)
    if memory is None:
        return
    if memory < MEMORY_BYTES_MIN:
        yield warning(
            f"{memory / 1e9:.1f} GB of memory; a node at rest takes 0.7 GB, and each image more",
            "Give it more, or lower inference.decode_processes.",
        )
    else:
        yield ok(f"{memory / 1e9:.1f} GB of memory")


def memory_bytes() -> int | None:
    """What this process may have: of the machine, or of its control group. None where nobody tells."""
    found = []
    try:
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        found.append(int(CGROUP_MEMORY.read_text()))
    except (OSError, ValueError):  # no such group, or `max`
        pass
    return min(found, default=None)
