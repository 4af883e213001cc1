"""A restored node knows what the node knew; a backup that is not whole is refused with the name of the file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scp_node.errors import BackupFailed, BackupUnusable, ConfigurationError, HilumError, UsageError
from scp_node.host.lock_file import shared
from scp_node.ledger import Ledger
from scp_node.ledger.database import migrate, open_database
from scp_node.ledger.records import now_utc
from scp_node.ledger.shape import known_revisions, revision_of
from scp_node.recovery import restore as module
from scp_node.recovery.backup import NodeData, make_backup
from scp_node.recovery.backup_folder import BackupFolder
from scp_node.recovery.interrupted import check_not_interrupted
from scp_node.recovery.restore import restore_backup
from scp_node.settings import Settings
from scp_node.settings.places import default_url, in_use_lock
from tests.support.ledger.node_data import NodeFolder, films, node_folder, studies_in, working
from tests.unit.ledger.test_upgrade import REVISIONS, upgrade_to


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NodeFolder, Path]]:
    """A node that has reported two studies and has received another since, and its backup."""
    root = tmp_path_factory.mktemp("reported")
    node = node_folder(root / "node")
    node.receive(*films(2), *films(1, study=2))
    with working(node) as services:
        node.work(services)
    node.receive(*films(1, study=3))
    make_backup(node.data, root / "backup")
    yield node, root / "backup"
    node.ledger.engine.dispose()


@pytest.fixture
def node(reported: tuple[NodeFolder, Path]) -> NodeFolder:
    return reported[0]


@pytest.fixture
def backup(reported: tuple[NodeFolder, Path], tmp_path: Path) -> Path:
    """One to damage."""
    return Path(shutil.copytree(reported[1], tmp_path / "backup"))


def settings_of(data_dir: Path) -> Settings:
    return Settings.model_validate(
        {
            "node": {"ae_title": "HILUM", "data_dir": str(data_dir)},
            "remote_aes": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}},
            "routes": [{"name": "chest", "model": "tiny", "to": ["pacs"]}],
        }
    )


def test_the_restored_node_gives_the_same_studies_and_files(node: NodeFolder, backup: Path, tmp_path: Path) -> None:
    restored = restore_backup(backup, tmp_path / "elsewhere" / "data")
    assert restored.left_out == ()
    known = studies_in(node.data_dir)
    assert len(known) == 3 and studies_in(restored.data_dir) == known
    files = {path.name: path for path in node.spool.root.glob("??/*.dcm")}
    back = {path.name: path for path in restored.data_dir.glob("spool/??/*.dcm")}
    assert {name: path.read_bytes() for name, path in back.items()} == {
        name: path.read_bytes() for name, path in files.items()
    }
    assert {name: path.stat().st_mtime_ns for name, path in back.items()} == {
        name: path.stat().st_mtime_ns for name, path in files.items()
    }
    assert not any(path.samefile(BackupFolder(backup).file(path.stem)) for path in back.values())


def test_the_restored_node_goes_on_where_the_backup_was_made(backup: Path, tmp_path: Path) -> None:
    restore_backup(backup, tmp_path / "other" / "data")
    other = node_folder(tmp_path / "other")
    with working(other) as services:
        other.work(services)
    assert other.instance(films(1, study=3)[0]).state == "reported"
    assert make_backup(other.data, tmp_path / "second").faults == ()
    other.ledger.engine.dispose()


def test_a_job_that_ran_when_the_backup_was_made_is_queued_again_as_after_a_crash(tmp_path: Path) -> None:
    node = node_folder(tmp_path / "node")
    node.receive(*films(1))
    with node.ledger.transaction() as tx:
        (job,) = tx.jobs.pending("images", 10)
        assert tx.jobs.claim(job, "a worker elsewhere", now_utc()) is not None
    make_backup(node.data, tmp_path / "backup")
    node.ledger.engine.dispose()
    restore_backup(tmp_path / "backup", tmp_path / "data")
    engine = open_database(default_url(tmp_path / "data"))
    with Ledger(engine).transaction() as tx:
        assert [one.job_id for one in tx.jobs.in_states(("running",), 10)] == [job.job_id]
        assert tx.jobs.release("the worker here", []) == [job.job_id]
        assert [one.job_id for one in tx.jobs.pending("images", 10)] == [job.job_id]
    engine.dispose()


def test_a_restore_does_not_touch_the_backup(backup: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in backup.rglob("*")}
    restore_backup(backup, tmp_path / "data")
    assert {path: path.stat().st_mtime_ns for path in backup.rglob("*")} == before


@pytest.mark.parametrize("entry", ["ledger.db", "spool", "notes.txt"])
def test_a_folder_that_is_not_empty_is_refused_and_left_as_it_is(backup: Path, tmp_path: Path, entry: str) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / entry).write_text("mine")
    with pytest.raises(UsageError, match=f"is not empty .*{entry}"):
        restore_backup(backup, data_dir)
    assert (data_dir / entry).read_text() == "mine"


def test_a_folder_of_a_node_that_runs_is_refused(backup: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with shared(in_use_lock(data_dir), 0, ""), pytest.raises(ConfigurationError, match="held by a node that runs"):
        restore_backup(backup, data_dir)


def a_file(backup: Path) -> Path:
    return sorted(backup.glob("spool/??/*.dcm"))[0]


def ledger_of(backup: Path) -> Path:
    return next(backup.glob("state-*/ledger.db"))


def manifest_of(backup: Path) -> Path:
    return next(backup.glob("state-*/manifest.jsonl"))


def flip(path: Path, position: int = 300) -> None:
    """One bit is another one."""
    content = bytearray(path.read_bytes())
    content[position] ^= 4
    path.unlink()
    path.write_bytes(content)


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-100])


def drop_line(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


DAMAGE: list[tuple[Callable[[Path], Path], Callable[[Path], None], str]] = [
    (a_file, flip, "is damaged"),
    (a_file, cut, "is cut short"),
    (a_file, Path.unlink, "is missing"),
    (ledger_of, flip, "is damaged"),
    (ledger_of, cut, "is damaged"),
    (ledger_of, Path.unlink, "No such file"),
    (manifest_of, flip, "is damaged"),
    (manifest_of, drop_line, "is cut short"),
    (manifest_of, Path.unlink, "is missing"),
    (lambda backup: backup / "backup.json", cut, "is damaged"),
    (lambda backup: backup / "backup.json", Path.unlink, "is not there"),
]


@pytest.mark.parametrize(("which", "damage", "told"), DAMAGE)
def test_a_damaged_backup_is_refused_with_the_name_of_the_file(
    backup: Path, tmp_path: Path, which: Callable[[Path], Path], damage: Callable[[Path], None], told: str
) -> None:
    file = which(backup)
    damage(file)
    with pytest.raises(HilumError) as refused:
        restore_backup(backup, tmp_path / "data")
    assert isinstance(refused.value, BackupUnusable | BackupFailed)
    text = "\n".join([str(refused.value), *refused.value.further_lines])
    assert file.name in text and told in text
    assert [path.name for path in (tmp_path / "data").glob("*") if path.name != "locks"] == []


def test_what_is_whole_can_be_had_without_what_is_damaged(node: NodeFolder, backup: Path, tmp_path: Path) -> None:
    file = a_file(backup)
    flip(file)
    restored = restore_backup(backup, tmp_path / "data", leave_out_damaged=True)
    assert restored.left_out == (file.stem,)
    assert studies_in(tmp_path / "data") == studies_in(node.data_dir)
    assert not (tmp_path / "data" / "spool" / file.stem[:2] / file.name).exists()


def test_what_the_spool_had_lost_before_is_told(tmp_path: Path) -> None:
    node = node_folder(tmp_path / "node")
    node.receive(*films(2))
    lost = node.file(films(1)[0])
    lost.unlink()
    make_backup(node.data, tmp_path / "backup")
    node.ledger.engine.dispose()
    assert restore_backup(tmp_path / "backup", tmp_path / "data").left_out == (lost.stem,)


def test_a_backup_of_a_newer_release_is_refused_in_words(backup: Path, tmp_path: Path) -> None:
    marker = json.loads((backup / "backup.json").read_text())
    (backup / "backup.json").write_text(json.dumps(marker | {"release": "9.1.0", "ledger_revision": "9001"}))
    with pytest.raises(ConfigurationError, match=r"hilum 9\.1\.0 has made, is of a newer .* shape 9001"):
        restore_backup(backup, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_disk_that_is_too_small_is_known_beforehand(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "free_bytes", lambda folder: 100)
    with pytest.raises(BackupFailed, match=r"the backup takes \d+ MiB, and 0 MiB are free"):
        restore_backup(backup, tmp_path / "data")


def test_no_node_starts_beside_an_interrupted_restore_and_the_next_restore_clears_it(
    node: NodeFolder, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = tmp_path / "data"

    def die(target: Path, where: Path) -> None:
        (target / "spool").rename(where / "spool")
        os._exit(9)

    monkeypatch.setattr(module, "_put_in_place", die)
    child = os.fork()
    if child == 0:
        restore_backup(backup, data_dir)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    with pytest.raises(ConfigurationError, match="a restore was interrupted"):
        check_not_interrupted(settings_of(data_dir))
    restore_backup(backup, data_dir)
    check_not_interrupted(settings_of(data_dir))
    assert studies_in(data_dir) == studies_in(node.data_dir)


def test_a_backup_of_an_older_release_is_restored_and_its_ledger_brought_up_to_date_at_the_start(
    tmp_path: Path,
) -> None:
    older = open_database(default_url(tmp_path))
    upgrade_to(older, REVISIONS[0])
    (tmp_path / "node.yaml").write_text("node: {}")
    data = tmp_path / "data"
    (data / "spool").mkdir(parents=True)
    made = make_backup(NodeData(data, data / "spool", older, tmp_path / "node.yaml", 0), tmp_path / "backup")
    older.dispose()
    assert made.marker.ledger_revision == REVISIONS[0] != known_revisions()[0]
    restore_backup(tmp_path / "backup", tmp_path / "restored")
    engine = open_database(default_url(tmp_path / "restored"))
    migrate(engine)
    with engine.connect() as connection:
        assert revision_of(connection) == known_revisions()[0]
    engine.dispose()
