"""The disk at its end: full, over the watermark, and the order in which things reach it as the kernel sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scp_node.engine.jobs import JobQueue
from scp_node.host.disk_space import DiskLimits
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.storage.part_file import GROWTH_CHECK_BYTES
from scp_node.storage.spool import Spool
from tests.support.crash.load import DX, Instances
from tests.support.crash.mounts import mount, tmpfs, why_no_tmpfs
from tests.support.crash.promises import broken_promises, integrity
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.ledgers import new_ledger
from tests.support.node.receiving import MemoryLedger, data_set_bytes, files_below, running_receiver
from tests.support.node.receiving_process import ReceivingProcess
from tests.support.peers.dcmtk import program
from tests.support.peers.raw_scu import EXPLICIT_LE, VERIFICATION, RawPeer


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    if reason := why_no_tmpfs():
        pytest.skip(reason)
    with tmpfs(tmp_path / "disk", "size=4m") as folder:
        yield folder


def test_a_full_disk_is_told_and_the_node_takes_on_as_soon_as_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    ledger, spool = MemoryLedger(), Spool(small_disk / "spool")
    images = [make_dx(rows=600, columns=600, seed=1, instance=number) for number in range(8)]
    with running_receiver(tmp_path, ledger, spool) as receiver, RawPeer(receiver.port) as peer:
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


def test_a_disk_full_of_ledger_and_images_is_told_and_used_again_when_there_is_room(small_disk: Path) -> None:
    """Here the ledger, too, can find no room: for its log or when it is written back."""
    ledger, spool = new_ledger(small_disk), Spool(small_disk / "spool")
    jobs, instances, stored = JobQueue(), Instances(rows=100, columns=100), dict[str, str]()
    with (
        running_receiver(small_disk, ReceivedInstances(ledger, jobs), spool) as receiver,
        RawPeer(receiver.port) as peer,
    ):
        peer.associate([(DX, EXPLICIT_LE), (VERIFICATION, EXPLICIT_LE)])
        refused = 0
        while refused < 20:
            uid, data = instances.next()
            answer = peer.store(data, DX, uid)
            assert answer.status in (0x0000, 0xA700) and bool(answer.comment) == bool(answer.status)
            if answer.status == 0x0000:
                stored[uid] = instances.sha256(uid)
            refused += answer.status != 0x0000
        assert stored and broken_promises(small_disk, stored) == []
        assert spool.healthy
        assert peer.echo(context_id=3).status == 0x0000

        for path in files_below(spool.root)[:20]:
            path.unlink()
        assert peer.store(data, DX, uid).status == 0x0000
        peer.release()
    ledger.engine.dispose()
    assert integrity(small_disk) == "ok"


@pytest.mark.parametrize(
    ("inodes_free_percent_min", "comment"), [(0, "cannot write: ENOSPC"), (5, "of its inodes free")]
)
def test_a_disk_without_inodes_is_told_and_used_again_when_there_are_some(
    tmp_path: Path, inodes_free_percent_min: float, comment: str
) -> None:
    if reason := why_no_tmpfs():
        pytest.skip(reason)
    ledger, instances = MemoryLedger(), Instances(rows=16, columns=16)
    limits = DiskLimits(inodes_free_percent_min=inodes_free_percent_min)
    with tmpfs(tmp_path / "disk", "size=16m,nr_inodes=290") as disk:
        spool = Spool(disk / "spool", limits)
        with running_receiver(tmp_path, ledger, spool) as receiver, RawPeer(receiver.port) as peer:
            peer.associate([(DX, EXPLICIT_LE)])
            answers = [peer.store(data, DX, uid) for uid, data in (instances.next() for _ in range(40))]
            assert [answer.status for answer in answers] == sorted(answer.status for answer in answers)
            assert {answer.status for answer in answers} == {0x0000, 0xA700}
            assert all(comment in answer.comment for answer in answers if answer.status)
            assert len(files_below(spool.root)) == len(ledger.rows)
            for path in files_below(spool.root)[:8]:
                path.unlink()
            uid, data = instances.next()
            assert peer.store(data, DX, uid).status == 0x0000
            peer.release()


def test_a_disk_that_turns_read_only_is_told_and_used_again_when_it_can_be_written(
    small_disk: Path, tmp_path: Path
) -> None:
    ledger, spool, instances = MemoryLedger(), Spool(small_disk / "spool"), Instances(rows=16, columns=16)
    with running_receiver(tmp_path, ledger, spool) as receiver, RawPeer(receiver.port) as peer:
        peer.associate([(DX, EXPLICIT_LE)])
        for option, status in (("rw", 0x0000), ("ro", 0xA700), ("rw", 0x0000)):
            assert mount("-o", f"remount,{option}", small_disk).returncode == 0
            uid, data = instances.next()
            answer = peer.store(data, DX, uid)
            assert (answer.status, answer.comment) == (status, "cannot write: EROFS" if status else "")
        peer.release()
    assert len(files_below(spool.root)) == len(ledger.rows) == 2


def test_an_image_that_outgrows_its_quota_is_stopped_and_a_smaller_one_is_taken(tmp_path: Path) -> None:
    ledger, spool = MemoryLedger(), Spool(tmp_path / "spool", DiskLimits(spool_bytes_max=2 * GROWTH_CHECK_BYTES))
    instances = Instances(rows=16, columns=16)
    with running_receiver(tmp_path, ledger, spool) as receiver, RawPeer(receiver.port) as peer:
        peer.associate([(DX, EXPLICIT_LE)])
        for more_bytes, status in ((4 * GROWTH_CHECK_BYTES, 0xA700), (0, 0x0000)):
            uid, data = instances.next()
            answer = peer.store(data + bytes(more_bytes), DX, uid)
            assert (answer.status, "spool holds" in answer.comment) == (status, bool(status))
        peer.release()
    assert len(files_below(spool.root)) == 1


def test_above_the_watermark_nothing_is_written(tmp_path: Path) -> None:
    ledger, spool = MemoryLedger(), Spool(tmp_path / "spool", DiskLimits(free_bytes_min=2**60))
    ds = make_dx(rows=16, columns=16)
    with running_receiver(tmp_path, ledger, spool) as receiver, RawPeer(receiver.port) as peer:
        peer.associate([(DX, EXPLICIT_LE)])
        answer = peer.store(data_set_bytes(ds), DX, str(ds.SOPInstanceUID))
        assert answer.status == 0xA700 and answer.comment.startswith("disk has ")
        peer.release()
    assert files_below(spool.root) == []


CALLS = "openat,writev,write,fsync,fdatasync,link,linkat,sendto"


@pytest.mark.peer("strace")
def test_file_name_and_row_are_on_the_disk_before_the_response_leaves(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    prefix = [program("strace"), "-f", "-y", "-s", "0", "-e", f"trace={CALLS}", "-o", str(trace)]
    with ReceivingProcess(tmp_path, prefix) as receiver:
        if not receiver.port:
            pytest.skip("strace may not trace here")
        warm_up, ds = (make_dx(rows=200, columns=200, instance=number) for number in (1, 2))
        with RawPeer(receiver.port, timeout_s=60) as peer:
            peer.associate([(DX, EXPLICIT_LE)])
            assert peer.store(data_set_bytes(warm_up), DX, str(warm_up.SOPInstanceUID)).status == 0x0000
            assert peer.store(data_set_bytes(ds), DX, str(ds.SOPInstanceUID)).status == 0x0000
            peer.release()
    assert receiver.process.returncode == 0
    assert _steps(trace.read_text())[-6:] == [
        "write part",
        "give name",
        "fsync file",
        "fsync directory",
        "sync ledger",
        "respond",
    ]


def _steps(trace: str) -> list[str]:
    """The calls that matter, repeated ones once, up to the last response (told from the A-RELEASE-RP by its size)."""
    patterns = {
        "write part": r"writev\(\d+<[^>]*\.part>",
        "give name": r"link(at)?\(.*\) = 0",
        "fsync file": r"fsync\(\d+<[^>]*\.part>",  # as strace knows it from its opening
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
