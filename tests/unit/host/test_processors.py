"""How much of the processor a process takes, as the kernel says."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

# The length of a turn (sched_runtime of sched_getattr) of this thread and of one that it makes, before and after.
ASK = """
import ctypes, platform, struct, threading
from scp_node.host.processors import be_prompt
number = {"x86_64": 315, "aarch64": 275}[platform.machine()]
def turn():
    room = ctypes.create_string_buffer(56)
    assert ctypes.CDLL(None).syscall(number, 0, room, 56, 0) == 0
    print(struct.unpack_from("=IIQiIQ", room.raw)[5])
turn()
assert be_prompt()
turn()
made = threading.Thread(target=turn)
made.start()
made.join()
"""
# The niceness of the session before and after; the kernel says nothing of a session that it does not share by.
STEPPED_BACK = """
import os
from pathlib import Path
from scp_node.host.processors import step_back
def of_session():
    return (Path("/proc/self/autogroup").read_text().split() or ["none"])[-1]
before = of_session()
step_back(19)
print(os.getpriority(os.PRIO_PROCESS, 0), before, of_session())
"""
AUTOGROUPS = Path("/proc/sys/kernel/sched_autogroup_enabled")
KERNEL = tuple(int("".join(filter(str.isdigit, part)) or 0) for part in platform.release().split(".")[:2])
needs_turns = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64") or KERNEL < (6, 12),
    reason="turns of a length of one's own are known to Linux 6.12 and later",
)


@needs_turns
def test_the_receiver_has_shorter_turns_than_others_and_so_have_its_threads() -> None:
    asked = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    before, after, of_thread = map(int, asked.stdout.split())
    assert after == of_thread == 100_000 < before


@pytest.mark.skipif(
    not AUTOGROUPS.is_file() or AUTOGROUPS.read_text().strip() != "1",
    reason="this kernel does not share the processor between sessions",
)
@pytest.mark.parametrize("leads_a_session", [True, False])
def test_who_leads_a_session_steps_back_with_it(leads_a_session: bool) -> None:
    """Others of a session keep their share: only the process itself steps back there."""
    command = [sys.executable, "-c", STEPPED_BACK]
    own = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=leads_a_session)
    niceness, before, after = own.stdout.split()
    assert niceness == "19"
    assert after == ("19" if leads_a_session else before)
