"""Images that hang, crash, hoard or lie end alone; the pool goes on, and nothing of it outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from converter.declined import Declined
from converter.errors import Undecodable
from converter.image.convert import Converted
from converter.package.manifest import load_manifest
from scp_node.decode.pool import DecodePool
from scp_node.errors import (
    DecodeCrashed,
    DecodeFailed,
    DecodeOutOfCpu,
    DecodeOutOfMemory,
    DecodeTimedOut,
    OutOfResources,
)
from tests.support.models.tiny_model import TINY
from tests.support.waiting import until

SPEC = load_manifest(TINY / "manifest.yaml").input
STRANGE = "tests.support.hostile.decoding_child"
LONG_S = 120.0


@pytest.fixture
def pool() -> Iterator[DecodePool]:
    with closing(DecodePool(1, memory=1 << 30, cpu_s=2, timeout_s=LONG_S, child_module=STRANGE)) as pool:
        yield pool


def convert(pool: DecodePool, name: str) -> Converted | Declined:
    with tempfile.NamedTemporaryFile() as file:
        file.write(name.encode())
        file.flush()
        return pool.convert(Path(file.name), SPEC, None, 64, 1_000_000)


def is_alive(pid: int) -> bool:
    """Running; a zombie that nobody reaps is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def child_of(pool: DecodePool) -> int:
    (pid,) = pool.child_pids
    return pid


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("burns", DecodeOutOfCpu, "decode_cpu_s_max"),
        ("hoards", DecodeOutOfMemory, "decode_memory_bytes_max"),
        ("dies", DecodeCrashed, "SIGSEGV"),
        ("leaves", DecodeCrashed, "exit code 7"),
        ("babbles", DecodeCrashed, "protocol"),
        ("oversized", DecodeCrashed, "protocol"),
        ("surprises", DecodeFailed, "ZeroDivisionError"),
        ("undecodable", Undecodable, "no decoder"),
    ],
)
def test_an_image_that_breaks_its_decoder_ends_alone(
    pool: DecodePool, name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as raised:
        convert(pool, name)
    assert type(raised.value) is error
    assert "PATIENT" not in str(raised.value)
    assert isinstance(convert(pool, "good"), Converted)


def test_each_way_to_fail_has_a_code_of_its_own() -> None:
    kinds = (DecodeFailed, DecodeCrashed, DecodeTimedOut, DecodeOutOfMemory, DecodeOutOfCpu)
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_an_image_that_hangs_ends_at_its_deadline() -> None:
    with closing(DecodePool(1, timeout_s=2, child_module=STRANGE)) as pool:
        pid = child_of(pool)
        with pytest.raises(DecodeTimedOut, match="decode_timeout_s"):
            convert(pool, "hangs")
        assert not is_alive(pid)
        assert child_of(pool) != pid


def test_starting_a_child_takes_no_time_from_its_first_image() -> None:
    with closing(DecodePool(2, timeout_s=2, child_module=STRANGE)) as pool:
        assert isinstance(convert(pool, "good"), Converted)


def test_cpu_time_is_counted_for_each_image_anew(pool: DecodePool) -> None:
    """The kernel counts the whole life of a process: after two images that use 1.3 s each, 2 s are long over."""
    answers = [convert(pool, "burns-a-while") for _ in range(2)]
    pids = {answer.notes for answer in answers if isinstance(answer, Converted)}
    assert pids == {(str(child_of(pool)),)}, "one child served both"
    with pytest.raises(DecodeOutOfCpu):
        convert(pool, "burns")


def test_a_child_killed_from_outside_costs_no_image(pool: DecodePool) -> None:
    pid = child_of(pool)
    assert isinstance(convert(pool, "dies-once"), Converted)
    assert child_of(pool) != pid


def test_a_child_killed_in_mid_work_twice_ends_its_image(pool: DecodePool) -> None:
    convert(pool, "good")
    with ThreadPoolExecutor(1) as threads:
        failing = threads.submit(convert, pool, "hangs")
        killed: set[int] = set()
        while not failing.done():
            pid = child_of(pool)
            if pid not in killed and "sigio" in wchan_or_flags(pid):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            time.sleep(0.02)
        with pytest.raises(DecodeCrashed, match="SIGKILL"):
            failing.result()
    assert len(killed) == 2
    assert isinstance(convert(pool, "good"), Converted)


def wchan_or_flags(pid: int) -> str:
    """'sigio' while the child works on an image: its request pipe then reports the end of the parent by signal."""
    try:
        flags = Path(f"/proc/{pid}/fdinfo/0").read_text()
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return ""
    octal = next(line.split()[1] for line in flags.splitlines() if line.startswith("flags:"))
    return "sigio" if int(octal, 8) & os.O_ASYNC else ""


def test_children_work_at_the_same_time_and_each_caller_gets_its_own_answer(tmp_path: Path) -> None:
    with closing(DecodePool(2, child_module=STRANGE)) as pool, ThreadPoolExecutor(8) as threads:
        (tmp_path / "good").write_text("good")
        sides = [16 + number for number in range(40)]
        answers = list(threads.map(lambda side: pool.convert(tmp_path / "good", SPEC, None, side, 1), sides))
        assert [answer.preview.shape for answer in answers if isinstance(answer, Converted)] == [
            (side, side) for side in sides
        ]


def test_what_a_codec_prints_reaches_no_log(pool: DecodePool, capfd: pytest.CaptureFixture[str]) -> None:
    convert(pool, "prints")
    captured = capfd.readouterr()
    assert "PATIENT" not in captured.out + captured.err


def test_a_child_knows_no_secret_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    with closing(DecodePool(1, child_module=STRANGE)) as pool:
        told = convert(pool, "environment")
        assert isinstance(told, Declined)
        assert told.reason and "hunter2" not in told.reason


@pytest.mark.parametrize("niceness", [0, 7])
def test_children_step_back_as_far_as_they_are_told(niceness: int) -> None:
    with closing(DecodePool(1, niceness=niceness, child_module=STRANGE)) as pool:
        convert(pool, "good")
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, child_of(pool)) == max(niceness, own)


def test_a_long_reason_is_cut(pool: DecodePool) -> None:
    declined = convert(pool, "lies")
    assert isinstance(declined, Declined)
    assert len(declined.reason) == 500


def test_a_call_does_not_wait_for_ever_for_a_free_child(pool: DecodePool) -> None:
    with closing(DecodePool(1, wait_s=0.2, child_module=STRANGE)) as pool:
        convert(pool, "good")
        with working(pool, "hangs"), pytest.raises(OutOfResources, match="no decoding process was free"):
            convert(pool, "good")


def test_calls_that_wait_are_bounded() -> None:
    with closing(DecodePool(1, waiting_max=2, child_module=STRANGE)) as pool:
        convert(pool, "good")
        with working(pool, "hangs", "hangs", "hangs"), pytest.raises(OutOfResources, match="2 images wait"):
            convert(pool, "good")


def test_closing_in_mid_work_lets_the_image_be_tried_again() -> None:
    pool = DecodePool(2, child_module=STRANGE)
    convert(pool, "good")
    pids = pool.child_pids
    with ThreadPoolExecutor(1) as threads:
        failing = threads.submit(convert, pool, "hangs")
        until(lambda: any(wchan_or_flags(pid) for pid in pids), timeout_s=LONG_S)
        pool.close()
        with pytest.raises(OutOfResources) as raised:
            failing.result(LONG_S)
    assert raised.value.retry
    until(lambda: not any(is_alive(pid) for pid in pids), timeout_s=LONG_S)
    with pytest.raises(OutOfResources, match="stopping"):
        convert(pool, "good")


def test_children_that_cannot_start_are_no_fault_of_the_image(capfd: pytest.CaptureFixture[str]) -> None:
    pool = DecodePool(1, child_module="tests.support.no_such_module")
    with closing(pool), pytest.raises(OutOfResources, match="does not start"):
        convert(pool, "good")
    assert "no_such_module" in capfd.readouterr().err


def test_a_child_that_cannot_be_replaced_now_is_replaced_later(
    pool: DecodePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert(pool, "good")
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", raise_no_memory)
        with pytest.raises(OutOfResources, match="cannot be started"):
            convert(pool, "leaves")
        assert pool.child_pids == ()
        with pytest.raises(OutOfResources, match="cannot be started"):
            convert(pool, "good")
    assert isinstance(convert(pool, "good"), Converted)


def raise_no_memory(*_: object, **__: object) -> None:
    raise BlockingIOError(11, "Resource temporarily unavailable")


@pytest.mark.parametrize("work", ["hangs", "burns", "idle"])
def test_children_end_with_a_parent_that_is_killed(work: str) -> None:
    script = (
        "import sys, threading\n"
        "from tests.unit.decode.test_pool import *\n"
        "pool = DecodePool(1, child_module=STRANGE)\n"
        "convert(pool, 'good')\n"
        "print(child_of(pool), flush=True)\n"
        f"convert(pool, {work!r}) if {work!r} != 'idle' else threading.Event().wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        until(lambda: work == "idle" or wchan_or_flags(pid) == "sigio", timeout_s=LONG_S)
        assert is_alive(pid)
        parent.kill()
    until(lambda: not is_alive(pid), timeout_s=LONG_S)


def test_a_child_loads_neither_the_model_nor_the_ledger() -> None:
    script = "import sys, scp_node.decode.child; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"onnxruntime", "sqlalchemy", "pynetdicom", "highdicom", "typer", "rich"} & set(loaded)


class working:  # noqa: N801
    """Calls in progress or waiting, each from a thread of its own, until the block ends and the pool is closed."""

    def __init__(self, pool: DecodePool, *names: str) -> None:
        self._pool = pool
        self._threads = [threading.Thread(target=self._work, args=(name,)) for name in names]

    def _work(self, name: str) -> None:
        with pytest.raises(OutOfResources):
            convert(self._pool, name)

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()
        until(lambda: self._pool._waiting == len(self._threads) - 1 and not self._pool._idle, timeout_s=LONG_S)

    def __exit__(self, *_: object) -> None:
        self._pool.close()
        for thread in self._threads:
            thread.join()
