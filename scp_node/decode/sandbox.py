"""What confines a decoding process, which reads bytes of strangers: all that this kernel has for it is put to use."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from scp_node.decode import landlock, seccomp
from scp_node.host.private_process import PR_SET_NO_NEW_PRIVS, prctl

LANDLOCK, SECCOMP, NO_NEW_PRIVILEGES = "landlock", "seccomp", "no-new-privileges"
PARTS = (NO_NEW_PRIVILEGES, LANDLOCK, SECCOMP)


@dataclass(frozen=True)
class SandboxState:
    """The parts of the sandbox that hold, each with its version where it has one, and those that do not."""

    in_place: tuple[str, ...]
    missing: tuple[str, ...]

    def __str__(self) -> str:
        said = ", ".join(self.in_place) or "nothing"
        return said if not self.missing else f"{said}; missing: {', '.join(self.missing)}"


def offered() -> SandboxState:
    """What a decoding process started now would be confined by; confines nothing."""
    linux = sys.platform.startswith("linux")
    has = {NO_NEW_PRIVILEGES: linux, LANDLOCK: landlock.version() > 0, SECCOMP: linux and seccomp.is_offered()}
    return SandboxState(tuple(_named(part) for part in has if has[part]), tuple(part for part in has if not has[part]))


def lacking(state: SandboxState) -> tuple[str, str]:
    """In words, what this machine lacks, and what would help."""
    return f"this machine lacks {', '.join(state.missing)}", "Take a newer kernel, or let the container use them"


def confine() -> SandboxState:
    """Confine this process, for good, by all that the kernel has: afterwards it opens no file, knows no network, starts
    no program and reaches no other process. It must have one thread, and all its modules loaded."""
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        (NO_NEW_PRIVILEGES, lambda: prctl(PR_SET_NO_NEW_PRIVS, 1)),
        (LANDLOCK, landlock.restrict),
        (SECCOMP, seccomp.restrict),
    )
    in_place, missing = [], []
    for part, step in steps:
        name = _named(part)  # asked before the filter forbids asking
        try:
            step()
        except (OSError, AttributeError, KeyError):  # not this kernel, not this system, not this machine
            missing.append(part)
        else:
            in_place.append(name)
    return SandboxState(tuple(in_place), tuple(missing))


def _named(part: str) -> str:
    return f"{part} {landlock.version()}" if part == LANDLOCK else part
