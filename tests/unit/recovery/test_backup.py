"""A backup holds every object that was acknowledged before it began, agrees with itself, and is renewed whole."""

from __future__ import annotations

import os
import resource
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydicom import Dataset

from scp_node.errors import BackupFailed, BackupUnusable, ConfigurationError, UsageError
from scp_node.ledger import tables as t
from scp_node.ledger.snapshot import opened_snapshot, take_snapshot
from scp_node.ledger.spool_names import named_files
from scp_node.recovery import backup as module
from scp_node.recovery.backup import make_backup
from scp_node.recovery.backup_folder import LEDGER, BackupFolder, Entry
from scp_node.recovery.kept_file import digests_of
from tests.support.crash.mounts import tmpfs, why_no_tmpfs
from tests.support.ledger.node_data import NodeFolder, films, working
from tests.support.waiting import until


def entries(root: Path) -> dict[str, Entry]:
    folder = BackupFolder(root)
    return {entry.name: entry for entry in folder.entries(folder.read_marker())}


def disagreements(root: Path) -> list[str]:
    """Names that ledger, manifest and files do not all have, and files whose bytes are not those of the manifest."""
    folder = BackupFolder(root)
    marker = folder.read_marker()
    folder.check_manifest(marker)
    with opened_snapshot(folder.of_state(marker.state, LEDGER)) as connection:
        named = {one.name: one for one in named_files(connection)}
    told, there = entries(root), {path.stem for path in root.glob("spool/??/*")}
    wrong = set(named) ^ set(told) | set(told) ^ there
    return sorted(wrong) + [
        name
        for name in sorted(there & set(told) & set(named))
        if not (found := digests_of(folder.file(name), named[name])).as_entered or found.sha256 != told[name].sha256
    ]


def uids_in(root: Path) -> set[str]:
    folder = BackupFolder(root)
    with opened_snapshot(folder.of_state(folder.read_marker().state, LEDGER)) as connection:
        return set(connection.execute(sa.select(t.instance.c.sop_instance_uid)).scalars())


def test_ledger_files_results_and_configuration_are_in_it(node: NodeFolder, tmp_path: Path) -> None:
    with working(node) as services:
        node.work(services)
    made = make_backup(node.data, tmp_path / "backup", verify=True)
    assert made.faults == () and disagreements(made.folder) == []
    assert made.marker.files == len(entries(made.folder)) > 3, "films and results"
    assert uids_in(made.folder) == {"1.2.3.1.1", "1.2.3.1.2", "1.2.3.2.1"}
    assert (made.folder / made.marker.state / "node.yaml").read_bytes() == node.config.read_bytes()


def test_nobody_else_may_look_into_it(node: NodeFolder, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        make_backup(node.data, tmp_path / "backup")
    finally:
        os.umask(before)
    inside = [path for path in (tmp_path / "backup").rglob("*") if path.name != "backup.lock"]
    open_ones = [path.name for path in (tmp_path / "backup", *inside) if path.stat().st_mode & 0o077]
    assert len(inside) > 5 and open_ones == []


def test_what_is_received_while_it_is_made_keeps_coming_in_and_what_came_before_is_in_it(
    node: NodeFolder, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    ended = threading.Event()

    def send(ds: Dataset, study: int) -> None:
        ds.StudyInstanceUID, number = f"1.2.3.{study}", 0
        while not ended.is_set():
            number += 1
            ds.SOPInstanceUID = f"1.2.3.{study}.{number}"
            node.receive(ds)
            acknowledged.append(str(ds.SOPInstanceUID))

    threads = [threading.Thread(target=send, args=(*films(1, rows=16), study)) for study in (11, 12, 13)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: acknowledged, "objects that come in")
        for _ in range(3):
            before = set(acknowledged)
            made = make_backup(node.data, tmp_path / "backup", verify=True)
            assert before <= uids_in(made.folder)
            assert disagreements(made.folder) == [] and made.faults == ()
            assert len(acknowledged) > len(before), "objects came in meanwhile"
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_a_second_backup_brings_only_what_is_new(node: NodeFolder, tmp_path: Path) -> None:
    first = make_backup(node.data, tmp_path / "backup")
    assert (sum(first.ways.values()), first.reused) == (3, 0)
    node.receive(*films(1, study=3))
    second = make_backup(node.data, tmp_path / "backup")
    assert (sum(second.ways.values()), second.reused) == (1, 3)
    assert disagreements(tmp_path / "backup") == []
    assert [path.name for path in (tmp_path / "backup").glob("state-*")] == [second.marker.state]


def test_what_was_deleted_is_in_no_part_of_the_next_backup(node: NodeFolder, tmp_path: Path) -> None:
    (ds,) = films(1, study=7)
    ds.AccessionNumber = "ACC-TO-FORGET"
    node.receive(ds)
    make_backup(node.data, tmp_path / "backup")
    file = node.file(ds)
    with node.ledger.transaction() as tx:
        for table in (t.event, t.job, t.instance, t.study):
            tx.connection.execute(sa.delete(table).where(table.c.study_instance_uid == "1.2.3.7"))
    file.unlink()
    made = make_backup(node.data, tmp_path / "backup")
    assert made.pruned == 1 and disagreements(made.folder) == []
    kept = b"".join(path.read_bytes() for path in sorted(made.folder.rglob("*")) if path.is_file())
    assert b"ACC-TO-FORGET" not in kept and b"1.2.3.7" not in kept


def test_a_file_that_goes_with_its_row_after_the_snapshot_brings_a_new_snapshot(
    node: NodeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ds,) = films(1, study=2)
    file = node.file(ds)
    take, taken = take_snapshot, list[Path]()

    def and_then_erase(engine: sa.Engine, target: Path) -> None:
        take(engine, target)
        taken.append(target)
        if file.exists():
            with node.ledger.transaction() as tx:
                for table in (t.event, t.job, t.instance, t.study):
                    tx.connection.execute(sa.delete(table).where(table.c.study_instance_uid == "1.2.3.2"))
            file.unlink()

    monkeypatch.setattr(module, "take_snapshot", and_then_erase)
    made = make_backup(node.data, tmp_path / "backup")
    assert len(taken) == 2 and made.faults == ()
    assert uids_in(made.folder) == {"1.2.3.1.1", "1.2.3.1.2"} and disagreements(made.folder) == []


def test_what_the_spool_itself_has_lost_or_damaged_is_told_and_everything_else_is_kept(
    node: NodeFolder, tmp_path: Path
) -> None:
    lost, damaged = (node.file(ds) for ds in films(2))
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x77")
    made = make_backup(node.data, tmp_path / "backup")
    assert {entry.name: entry.fault for entry in made.faults} == {lost.stem: "lost", damaged.stem: "damaged"}
    assert made.marker.files == 2
    again = make_backup(node.data, tmp_path / "backup", verify=True)
    assert again.faults == made.faults, "and told again"


def test_a_file_that_was_sent_again_takes_the_place_of_the_damaged_one(node: NodeFolder, tmp_path: Path) -> None:
    ds = films(1)[0]
    file = node.file(ds)
    file.write_bytes(file.read_bytes()[:-1] + b"\x77")
    assert make_backup(node.data, tmp_path / "backup").faults
    node.receive(ds)
    assert make_backup(node.data, tmp_path / "backup", verify=True).faults == ()
    assert disagreements(tmp_path / "backup") == []


def test_a_file_that_rots_in_the_backup_is_found_by_verify_and_brought_again(node: NodeFolder, tmp_path: Path) -> None:
    root = tmp_path / "backup"
    make_backup(node.data, root)
    file = BackupFolder(root).file(node.file(films(1)[0]).stem)
    state = file.stat()
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.unlink()  # it may be one with that of the spool
    file.write_bytes(content)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    make_backup(node.data, root, verify=True)
    assert disagreements(root) == []


@pytest.mark.parametrize("place", ["data/backup", "data", "."])
def test_a_backup_and_the_data_do_not_lie_in_each_other(node: NodeFolder, place: str) -> None:
    with pytest.raises(UsageError, match="lie in each other"):
        make_backup(node.data, node.root / place)


def test_a_folder_with_something_else_in_it_is_left_alone(node: NodeFolder, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="neither empty nor a backup"):
        make_backup(node.data, other)
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError, match="is no folder"):
        make_backup(node.data, other / "thesis.txt")


def test_two_backups_do_not_mix(node: NodeFolder, tmp_path: Path) -> None:
    refusals: list[str] = []

    def second() -> None:
        with pytest.raises(ConfigurationError) as refused:
            make_backup(node.data, tmp_path / "backup")
        refusals.append(str(refused.value))

    make_backup(node.data, tmp_path / "backup", on_file=second)
    assert len(refusals) == 3 and all("a backup that is being made" in one for one in refusals)
    assert disagreements(tmp_path / "backup") == []


def test_the_one_before_stands_when_the_next_one_fails(node: NodeFolder, tmp_path: Path) -> None:
    first = make_backup(node.data, tmp_path / "backup")
    node.receive(*films(2, study=5))

    def fail() -> None:
        raise OSError(5, "Input/output error", "/somewhere")

    with pytest.raises(BackupFailed, match=r"/somewhere: Input/output error: .*; the one of \d{4}-.* UTC stands"):
        make_backup(node.data, tmp_path / "backup", on_file=fail)
    assert BackupFolder(tmp_path / "backup").read_marker() == first.marker
    make_backup(node.data, tmp_path / "backup")
    assert disagreements(tmp_path / "backup") == []


@contextmanager
def file_size_limit(count: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes: EFBIG in place of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_ledger_that_does_not_fit_ends_the_backup_and_not_the_node(node: NodeFolder, tmp_path: Path) -> None:
    with file_size_limit(100_000), pytest.raises(BackupFailed, match="there is no whole one"):
        make_backup(node.data, tmp_path / "backup")
    with pytest.raises(BackupUnusable):
        BackupFolder(tmp_path / "backup").read_marker()
    node.receive(*films(1, study=9))
    make_backup(node.data, tmp_path / "backup")
    assert disagreements(tmp_path / "backup") == [] and "1.2.3.9.1" in uids_in(tmp_path / "backup")


@pytest.mark.skipif(bool(why_no_tmpfs()), reason=why_no_tmpfs())
def test_a_disk_that_fills_ends_the_backup_and_not_the_node(node: NodeFolder, tmp_path: Path) -> None:
    node.receive(*films(3, study=9, rows=700))
    with tmpfs(tmp_path / "disk", "size=2500k") as disk:
        with pytest.raises(BackupFailed, match=r"No space left on device: .* there is no whole one"):
            make_backup(node.data, disk / "backup")
        assert not (disk / "backup" / "backup.json").exists()
        assert list((disk / "backup").rglob("*.part")) == []
    node.receive(*films(1, study=10))


def test_on_its_own_disk_the_node_keeps_what_it_needs(node: NodeFolder, tmp_path: Path) -> None:
    volume = os.statvfs(tmp_path)
    keeps = volume.f_bavail * volume.f_frsize * 2
    data = module.NodeData(node.data_dir, node.data_dir / "spool", node.ledger.engine, node.config, keeps)
    with pytest.raises(BackupFailed, match=r"own disk, which keeps \d+ MiB free"):
        make_backup(data, tmp_path / "backup")


def test_a_spool_that_is_not_there_is_no_list_of_lost_files(
    node: NodeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MISSING_MAX", 2)
    shutil.rmtree(node.spool.root)
    with pytest.raises(BackupFailed, match=r"more than 2 files are missing .* is this its disk"):
        make_backup(node.data, tmp_path / "backup")
