"""The spool promises that a file with its name survives a power cut, and refuses when it cannot keep that."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xxhash

from scp_node.errors import OutOfResources
from scp_node.storage.spool import Spool, instance_name
from tests.support.node.receiving import files_below

NAME = instance_name("1.2.3", "0" * 32)
OTHER_NAME = instance_name("1.2.4", "0" * 32)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def failing(error_number: int) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OSError(error_number, os.strerror(error_number))

    return fail


def path_of(fd: int) -> Path:
    return Path(f"/proc/self/fd/{fd}").readlink()


def test_a_committed_file_holds_head_and_data_and_only_the_data_is_hashed(spool: Spool) -> None:
    part = spool.open_part(b"head")
    part.write([b"one", memoryview(b"two")])
    part.write([b"three"])
    path = part.commit(NAME)
    assert path == spool.path(NAME)
    assert path.read_bytes() == b"headonetwothree"
    assert part.digest == xxhash.xxh3_128(b"onetwothree").hexdigest()
    assert part.data_bytes == len(b"onetwothree")


def test_many_small_pieces_are_all_written(spool: Spool) -> None:
    pieces = [bytes([number % 256]) for number in range(5000)]
    part = spool.open_part()
    part.write(pieces)
    assert part.commit(NAME).read_bytes() == b"".join(pieces)


def test_the_name_of_an_instance_tells_contents_apart() -> None:
    names = {instance_name(uid, digest) for uid in ("1.2.3", "1.2.4") for digest in ("0" * 32, "1" * 32)}
    assert len(names) == 4


def test_a_long_file_is_brought_to_the_disk_while_it_grows(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[tuple[int, int]] = []
    monkeypatch.setattr(
        "scp_node.storage.part_file._fadvise", lambda fd, start, length, advice: began.append((start, length))
    )
    part = spool.open_part(b"head")
    for _ in range(17):
        part.write([bytes(2**19)])
    steps = [4 + 2**19, 2 * 2**19, 4 * 2**19, 4 * 2**19, 4 * 2**19]
    assert began == [(sum(steps[:number]), step) for number, step in enumerate(steps)]
    assert part.commit(NAME).read_bytes() == b"head" + bytes(17 * 2**19)


def test_a_short_write_is_continued(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "writev", lambda fd, pieces: os.write(fd, b"".join(pieces)[:3]))
    part = spool.open_part()
    part.write([b"0123", b"456789"])
    assert part.commit(NAME).read_bytes() == b"0123456789"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches the disk, in order."""
    made: list[str] = []
    fsync, rename, link = os.fsync, os.rename, os.link

    def spy_fsync(fd: int) -> None:
        target = path_of(fd)
        made.append("fsync directory" if target.is_dir() else f"fsync {target.suffix}")
        fsync(fd)

    def spy_rename(source: Any, target: Any, **kwargs: Any) -> None:
        made.append(f"rename {Path(source).suffix} {Path(target).suffix}")
        rename(source, target, **kwargs)

    def spy_link(source: Any, target: Any, **kwargs: Any) -> None:
        link(source, target, **kwargs)
        made.append(f"link {Path(source).suffix} {Path(target).suffix}")

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "rename", spy_rename)
    monkeypatch.setattr(os, "link", spy_link)
    return made


def commit(spool: Spool, data: bytes) -> Path:
    part = spool.open_part()
    part.write([data])
    return part.commit(NAME)


def test_a_new_name_is_given_before_content_and_directory_reach_the_disk(spool: Spool, calls: list[str]) -> None:
    assert commit(spool, b"data").read_bytes() == b"data"
    assert calls == ["link .part .dcm", "fsync .part (deleted)", "fsync directory"]
    assert files_below(spool.root) == [spool.path(NAME)]


def test_a_name_that_exists_is_only_replaced_by_what_is_on_the_disk(spool: Spool, calls: list[str]) -> None:
    commit(spool, b"data")
    calls.clear()
    assert commit(spool, b"data").read_bytes() == b"data"
    assert calls == ["fsync .part", "rename .part .dcm", "fsync directory"]


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_hard_links_will_do(
    spool: Spool, calls: list[str], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "link", failing(code))
    assert commit(spool, b"data").read_bytes() == b"data"
    assert calls == ["fsync .part", "rename .part .dcm", "fsync directory"]


def test_the_folders_are_durable_before_anything_is_in_them_whoever_made_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(path_of(fd)))
    for _ in range(2):
        synced.clear()
        spool = Spool(tmp_path / "spool")
        assert synced == [spool.root, tmp_path]
        assert spool.path(NAME).parent.is_dir() and spool.parts.is_dir()


def test_folders_and_files_are_for_their_owner_only(spool: Spool) -> None:
    path = spool.put(NAME, b"data")
    assert [oct(one.stat().st_mode & 0o777) for one in (path, path.parent, spool.root)] == ["0o600", "0o700", "0o700"]


def test_files_are_sharded_by_the_first_byte_of_their_name(spool: Spool) -> None:
    assert spool.path(NAME) == spool.root / NAME[:2] / f"{NAME}.dcm"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a/b", "1.2.3", NAME + "0", NAME.upper() + "\n", NAME[:-1]])
def test_only_names_of_ours_are_taken(spool: Spool, name: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        spool.path(name)
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        spool.put(name, b"")


def test_a_discarded_part_leaves_nothing_and_may_be_discarded_again(spool: Spool) -> None:
    part = spool.open_part()
    part.write([b"data"])
    part.discard()
    part.discard()
    assert files_below(spool.root) == []


def test_a_commit_replaces_a_file_of_the_name_in_one_step(spool: Spool) -> None:
    spool.put(NAME, b"orphan")
    part = spool.open_part()
    part.write([b"new"])
    part.commit(NAME)
    assert spool.path(NAME).read_bytes() == b"new"


def test_putting_the_same_bytes_again_leaves_the_file_as_it_is(spool: Spool) -> None:
    first = spool.put(NAME, b"result").stat().st_ino
    assert spool.put(NAME, b"result").stat().st_ino == first
    assert spool.put(NAME, b"other!").read_bytes() == b"other!"
    assert len(files_below(spool.root)) == 1


def test_putting_again_makes_durable_what_a_dead_process_wrote_and_named(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.put(NAME, b"result")
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(path_of(fd)))
    spool.put(NAME, b"result")
    assert synced == [spool.path(NAME), spool.path(NAME).parent]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_after_a_failed_fsync_nothing_is_accepted_until_a_restart(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    calls: list[int] = []

    def fail(fd: int) -> None:
        calls.append(fd)
        raise OSError(code, "lost")

    spool.open_part().discard()
    part = spool.open_part()
    part.write([b"data"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OutOfResources, match="restart needed"):
            part.commit(NAME)
    assert len(calls) == 1, "a failed fsync is never retried"
    assert not spool.healthy
    assert errno.errorcode[code] in spool.unhealthy_reason
    assert files_below(spool.root) == []
    for refused in (spool.check_room, lambda: spool.open_part(), lambda: spool.put(NAME, b"")):
        with pytest.raises(OutOfResources, match="restart needed"):
            refused()
    assert Spool(spool.root).put(NAME, b"after the restart").exists()


def test_a_failed_fsync_of_the_directory_counts_as_well(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    part = spool.open_part()
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: failing(errno.EIO)() if path_of(fd).is_dir() else fsync(fd))
    with pytest.raises(OutOfResources):
        part.commit(NAME)
    assert not spool.healthy


def test_a_file_half_received_at_a_failed_fsync_is_not_committed(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    part, other = spool.open_part(), spool.open_part()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(errno.EIO))
        with pytest.raises(OutOfResources):
            other.commit(OTHER_NAME)
    part.write([b"data"])
    with pytest.raises(OutOfResources, match="restart needed"):
        part.commit(NAME)
    assert files_below(spool.root) == []


def test_a_commit_that_fails_takes_away_its_own_file_only(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same instance may come twice at once: here the second one is done while the first one is at its fsync."""
    first = spool.open_part()
    first.write([b"data"])
    fsync = os.fsync

    def fail_when_the_other_is_done(fd: int) -> None:
        monkeypatch.setattr(os, "fsync", fsync)
        commit(spool, b"data")
        raise OSError(errno.EIO, "lost")

    monkeypatch.setattr(os, "fsync", fail_when_the_other_is_done)
    with pytest.raises(OutOfResources):
        first.commit(NAME)
    assert spool.path(NAME).read_bytes() == b"data"
    assert files_below(spool.root) == [spool.path(NAME)]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG])
def test_a_disk_that_takes_no_more_is_told_and_leaves_no_part_file(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    part = spool.open_part()
    monkeypatch.setattr(os, "writev", failing(code))
    with pytest.raises(OutOfResources, match=f"cannot write: {errno.errorcode[code]}"):
        part.write([b"data"])
    assert files_below(spool.root) == []
    assert spool.healthy


def test_a_read_only_spool_is_told(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.put(NAME, b"data")
    real_open = os.open

    def read_only(path: Any, flags: int, mode: int = 0o777, **kwargs: Any) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, "Read-only file system")
        return real_open(path, flags, mode, **kwargs)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(OutOfResources, match="cannot write: EROFS"):
        spool.open_part()


def test_a_part_file_that_could_not_be_deleted_is_deleted_when_the_disk_can_be_written_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = spool.open_part()
    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", failing(errno.EROFS))
        patch.setattr(Path, "unlink", failing(errno.EROFS))
        with pytest.raises(OutOfResources, match="cannot write: EROFS"):
            part.write([b"data"])
    assert len(files_below(spool.root)) == 1
    stored = spool.put(OTHER_NAME, b"data")
    assert files_below(spool.root) == [stored]


def test_a_failed_rename_leaves_neither_part_nor_file(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    existing = spool.put(NAME, b"data")
    part = spool.open_part()
    monkeypatch.setattr(Path, "rename", failing(errno.EIO))
    with pytest.raises(OutOfResources, match="cannot write: EIO"):
        part.commit(NAME)
    assert files_below(spool.root) == [existing]


def test_a_shard_that_somebody_deleted_is_made_again(spool: Spool) -> None:
    path = spool.put(NAME, b"data")
    path.unlink()
    path.parent.rmdir()
    assert spool.put(NAME, b"data").read_bytes() == b"data"


def test_a_spool_that_is_gone_is_told(spool: Spool) -> None:
    shutil.rmtree(spool.root)
    with pytest.raises(OutOfResources, match="storage unavailable: ENOENT"):
        spool.check_room()


def test_part_files_of_a_dead_process_are_swept_and_those_being_written_stay(spool: Spool) -> None:
    script = (
        "import os, sys; from pathlib import Path; from scp_node.storage.spool import Spool;"
        "part = Spool(Path(sys.argv[1])).open_part(); part.write([b'half']); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(spool.root)], check=True)
    alive = spool.open_part()
    alive.write([b"data"])
    finished = spool.put(OTHER_NAME, b"result")
    assert len(files_below(spool.root)) == 3
    assert spool.sweep_parts() == 1
    assert spool.sweep_parts() == 0
    assert {alive.commit(NAME), finished} == set(files_below(spool.root))


def test_the_data_of_a_part_can_be_read_back(spool: Spool) -> None:
    part = spool.open_part(b"head")
    part.write([b"0123456789"])
    assert (part.read_at(0, 4), part.read_at(3, 100), part.read_at(10, 1)) == (b"0123", b"3456789", b"")
    part.discard()
