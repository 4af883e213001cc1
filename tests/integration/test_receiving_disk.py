"""The disk at its end: full, over the watermark, and the order in which things reach it as the kernel sees it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scp_node.room import RoomLimits
from scp_node.spool import Spool
from tests.support.dcmtk import program
from tests.support.phantoms import make_dx
from tests.support.raw_scu import EXPLICIT_LE, RawPeer
from tests.support.receiving import MemoryLedger, data_set_bytes, files_below, running_receiver

DX = "1.2.840.10008.5.1.4.1.1.1.1"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("a tmpfs can only be mounted by root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_told_and_the_node_takes_on_as_soon_as_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    ledger, spool = MemoryLedger(), Spool(small_disk / "spool")
    images = [make_dx(rows=600, columns=600, seed=1, instance=number) for number in range(8)]
    with running_receiver(tmp_path, ledger, ledger, spool) as receiver, RawPeer(receiver.port) as peer:
        peer.associate([(DX, EXPLICIT_LE)])
        answers = [peer.store(data_set_bytes(ds), DX, str(ds.SOPInstanceUID)) for ds in images]
        stored = [ds for ds, answer in zip(images, answers, strict=True) if answer.status == 0x0000]
        assert {answer.status for answer in answers} == {0x0000, 0xA700}
        assert all(re.search("ENOSPC|disk", answer.comment) for answer in answers if answer.status)
        assert 0 < len(stored) == len(ledger.rows) == len(files_below(spool.root))
        assert spool.healthy

        for path in files_below(spool.root):
            path.unlink()
        last = images[-1]
        assert last not in stored
        assert peer.store(data_set_bytes(last), DX, str(last.SOPInstanceUID)).status == 0x0000
        peer.release()
    assert len(files_below(spool.root)) == 1


def test_above_the_watermark_nothing_is_written(tmp_path: Path) -> None:
    ledger, spool = MemoryLedger(), Spool(tmp_path / "spool", RoomLimits(free_bytes_min=2**60))
    ds = make_dx(rows=16, columns=16)
    with running_receiver(tmp_path, ledger, ledger, spool) as receiver, RawPeer(receiver.port) as peer:
        peer.associate([(DX, EXPLICIT_LE)])
        answer = peer.store(data_set_bytes(ds), DX, str(ds.SOPInstanceUID))
        assert answer.status == 0xA700 and answer.comment.startswith("disk has ")
        peer.release()
    assert files_below(spool.root) == []


RECEIVE_ONE = """
import sys
from pathlib import Path
from scp_node.engine.dispatcher import prepare_engine
from scp_node.engine.jobs import JobQueue
from tests.support.ledgers import new_ledger
from tests.support.receiving import running_receiver

folder = Path(sys.argv[1])
ledger = new_ledger(folder)
prepare_engine(ledger.engine)
with running_receiver(folder, ledger, JobQueue(ledger)) as receiver:
    print(receiver.port, flush=True)
    sys.stdin.read()
"""
CALLS = "openat,writev,write,fsync,fdatasync,rename,sendto"


@pytest.mark.peer("strace")
def test_file_name_and_row_are_on_the_disk_before_the_response_leaves(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = [program("strace"), "-f", "-y", "-s", "0", "-e", f"trace={CALLS}", "-o", str(trace)]
    process = subprocess.Popen(
        [*command, sys.executable, "-c", RECEIVE_ONE, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        port = int(process.stdout.readline() or pytest.skip("strace may not trace here"))
        warm_up, ds = (make_dx(rows=200, columns=200, instance=number) for number in (1, 2))
        with RawPeer(port, timeout_s=60) as peer:
            peer.associate([(DX, EXPLICIT_LE)])
            assert peer.store(data_set_bytes(warm_up), DX, str(warm_up.SOPInstanceUID)).status == 0x0000
            assert peer.store(data_set_bytes(ds), DX, str(ds.SOPInstanceUID)).status == 0x0000
            peer.release()
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()
    assert process.returncode == 0
    assert _steps(trace.read_text())[-6:] == [
        "write part",
        "fsync part",
        "rename to name",
        "fsync directory",
        "sync ledger",
        "respond",
    ]


def _steps(trace: str) -> list[str]:
    """The calls that matter, repeated ones once, up to the last response (told from the A-RELEASE-RP by its size)."""
    patterns = {
        "write part": r"writev\(\d+<[^>]*\.part>",
        "fsync part": r"fsync\(\d+<[^>]*\.part>",
        "rename to name": r"rename\(.*\) = 0",
        "fsync directory": r"fsync\(\d+<[^>]*/spool/[0-9a-f]{2}>",
        "sync ledger": r"(fsync|fdatasync)\(\d+<[^>]*ledger\.db-wal>",
        "respond": r"sendto\(.*, (1[3-9]\d|2\d\d), 0, NULL",
    }
    steps: list[str] = []
    for line in trace.splitlines():
        for name, pattern in patterns.items():
            if re.search(pattern, line) and steps[-1:] != [name]:
                steps.append(name)
    return steps[: len(steps) - steps[::-1].index("respond")]
