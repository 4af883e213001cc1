"""A lock has one holder, who says who it is; others are told at once, unless it is about to let go."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from scp_node.errors import ConfigurationError
from scp_node.host.lock_file import exclusive, holder_of, shared
from tests.support.checkout import CHECKOUT

HOLD = """
import sys, time
from pathlib import Path
from scp_node.host.lock_file import exclusive
with exclusive(Path(sys.argv[1]), 5) as lock:
    if sys.argv[2] == "ending":
        lock.say_ending()
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""


@contextmanager
def held(path: Path, word: str = "", seconds: float = 60) -> Iterator[int]:
    """By another process; its id."""
    command = [sys.executable, "-c", HOLD, str(path), word, str(seconds)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "locks" / "node-receiver.lock"


def test_a_second_holder_is_told_at_once_who_the_first_one_is(path: Path) -> None:
    with held(path) as pid:
        began = time.monotonic()
        with pytest.raises(ConfigurationError) as error, exclusive(path, 60, wait_for_the_living=False):
            pass
        assert time.monotonic() - began < 10
    first, second = str(error.value).splitlines()
    name = f"process {pid} on {socket.gethostname()}, since "
    assert first.startswith(f"{path.parent.parent} is in use by another node: {name}")
    assert second == "    Stop that one, or give this one a node.data_dir of its own."


def test_one_that_is_ending_is_waited_for(path: Path) -> None:
    with held(path, "ending", 2), exclusive(path, 60, wait_for_the_living=False):
        found = holder_of(path)
    assert found is not None and found.pid == os.getpid() and not found.is_ending


def test_a_holder_is_seen_without_its_lock_being_touched(path: Path) -> None:
    assert holder_of(path) is None and not path.parent.exists()
    with held(path) as pid:
        found = holder_of(path)
        assert found is not None and (found.pid, found.host) == (pid, socket.gethostname())
        assert found.since is not None and found.since.tzinfo is not None
    assert holder_of(path) is None, "the lock of a dead process is nobody's, whatever its file says"


def test_a_lock_of_an_older_release_has_no_name(path: Path) -> None:
    with held(path):
        path.write_text("")
        found = holder_of(path)
        assert found is not None and str(found) == "a process of another release"


def test_a_lock_that_cannot_be_made_says_why_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    said = r"data is no folder \(mode 0\d+, of \S+; the node runs as \S+\)\n    Move it away"
    with pytest.raises(ConfigurationError, match=said), exclusive(tmp_path / "data" / "locks" / "x.lock", 1):
        pass


def test_one_holds_it_alone_or_many_together(path: Path) -> None:
    def refused(lock: AbstractContextManager[object], told: str) -> None:
        with pytest.raises(ConfigurationError, match=told), lock:
            pass

    with shared(path, 0, "is replaced"), shared(path, 0, "is replaced"):
        refused(exclusive(path, 0, taken="a node runs"), "a node runs")
    with exclusive(path, 0):
        refused(shared(path, 0.2, "is replaced"), "is replaced")
    with exclusive(path, 0):
        pass
