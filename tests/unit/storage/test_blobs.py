"""What every place for bytes promises, whatever keeps them: files of one machine, of several, or objects."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scp_node.storage.blobs import Blobs, Part
from scp_node.storage.part_locks import ABANDONED_S
from scp_node.storage.spool import Spool, instance_name, result_name
from tests.support.node.receiving import files_below
from tests.support.peers.moto import object_blobs

RESULT = result_name("1.2.5")
Opened = Callable[[str], Blobs]


@pytest.fixture(params=["local", "shared", "s3"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Opens the place as the machine of that name does."""
    if request.param == "local":
        return lambda machine: Spool(tmp_path / "spool")
    if request.param == "shared":
        return lambda machine: Spool(tmp_path / "spool", locks=tmp_path / machine / "locks")
    port = request.getfixturevalue("moto").port
    return lambda machine: object_blobs(tmp_path / machine / "copies", port)


@pytest.fixture
def blobs(opened: Opened) -> Blobs:
    return opened("one")


def begun(blobs: Blobs, data: bytes, head: bytes = b"head") -> tuple[Part, str]:
    part = blobs.open_part(head)
    part.write([data[:3], memoryview(data)[3:]])
    return part, instance_name("1.2.3", part.digest)


def test_what_is_committed_is_read_by_every_machine(opened: Opened) -> None:
    one, other = opened("one"), opened("other")
    part, name = begun(one, b"film" * 10_000)
    assert part.data_bytes == 40_000
    assert not other.holds(name)
    assert not other.path(name).exists()
    assert part.commit(name).read_bytes() == b"head" + b"film" * 10_000
    for blobs in (one, other):
        assert blobs.holds(name)
        assert blobs.path(name).read_bytes() == b"head" + b"film" * 10_000


def test_what_is_discarded_leaves_nothing(blobs: Blobs) -> None:
    part, name = begun(blobs, b"film")
    part.discard()
    part.discard()
    assert not blobs.holds(name)
    assert files_below(blobs.root) == []


def test_the_same_bytes_may_be_committed_again_by_another_machine(opened: Opened) -> None:
    first, name = begun(opened("one"), b"film")
    first.commit(name)
    again, _ = begun(opened("other"), b"film", head=b"of another sender")
    again.commit(name)
    assert opened("one").path(name).read_bytes().endswith(b"film")
    check, _ = begun(opened("third"), b"film")
    assert opened("third").compare(check, name) == "same"


def test_bytes_are_compared_with_what_is_kept(opened: Opened) -> None:
    one, other = opened("one"), opened("other")
    part, name = begun(one, b"film")
    assert one.compare(part, name) == "lost"
    part.commit(name)
    for blobs in (one, other):
        same, _ = begun(blobs, b"film")
        assert blobs.compare(same, name) == "same"
        different, _ = begun(blobs, b"FILM")
        assert blobs.compare(different, name) == "lost"
        longer, _ = begun(blobs, b"film" * 100)
        assert blobs.compare(longer, name) == "lost"
        for begun_one in (same, different, longer):
            begun_one.discard()


def test_results_are_put_again_without_a_change(opened: Opened) -> None:
    one, other = opened("one"), opened("other")
    one.put(RESULT, b"report")
    assert other.put(RESULT, b"report").read_bytes() == b"report"
    assert opened("third").path(RESULT).read_bytes() == b"report"


def test_a_result_that_is_built_otherwise_takes_the_place_of_the_one_before(opened: Opened) -> None:
    opened("one").put(RESULT, b"report")
    opened("other").put(RESULT, b"report, another")
    assert opened("third").path(RESULT).read_bytes() == b"report, another"


def test_what_is_unlinked_is_gone_for_every_machine_that_looks(opened: Opened) -> None:
    one, other = opened("one"), opened("other")
    one.put(RESULT, b"report")
    assert other.unlink([RESULT, instance_name("1.2.9", "0" * 32), "no name of ours"]) == {}
    other.sync_folders([RESULT])
    assert not one.holds(RESULT)
    one.drop_copies([RESULT])
    assert not one.path(RESULT).exists()


def test_what_is_removed_is_gone(blobs: Blobs) -> None:
    blobs.put(RESULT, b"report")
    blobs.remove(RESULT)
    blobs.remove(RESULT)
    assert not blobs.holds(RESULT)
    assert not blobs.path(RESULT).exists()


@pytest.mark.parametrize("name", ["", "../etc/passwd", "a" * 63, "A" * 64])
def test_only_names_of_ours_are_taken(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal"):
        blobs.path(name)


def test_a_part_of_this_machine_is_swept_when_its_process_has_died_and_not_before(opened: Opened) -> None:
    one, other = opened("one"), opened("other")
    alive, _ = begun(one, b"film")
    assert one.sweep_parts() == other.sweep_parts() == 0
    read, write = os.pipe()
    if (child := os.fork()) == 0:  # its locks end with it
        one.open_part(b"head")
        os.write(write, b"x")
        os._exit(0)
    os.read(read, 1)
    os.waitpid(child, 0)
    assert one.sweep_parts() == 1
    assert alive.digest
    alive.discard()


def test_a_node_is_as_full_as_what_removing_would_help(blobs: Blobs) -> None:
    assert 0 <= blobs.fullness().share <= 1


def test_what_nobody_names_is_only_looked_for_where_it_is_nobodys(blobs: Blobs) -> None:
    blobs.put(RESULT, b"report")
    now = datetime.now(UTC)
    shard = int(RESULT[:2], 16)
    found = list(blobs.names(shard, now - timedelta(hours=1), now + timedelta(hours=1)))
    copies = list(blobs.copies())
    assert (found, copies) == (([], []) if isinstance(blobs, Spool) else ([RESULT], [RESULT]))
    assert list(blobs.names(shard, now - timedelta(hours=2), now - timedelta(hours=1))) == []
    assert list(blobs.names((shard + 1) % 256, now - timedelta(hours=1), now + timedelta(hours=1))) == []


def test_the_parts_of_a_machine_that_never_came_back_are_swept_by_another(tmp_path: Path) -> None:
    gone, other = (Spool(tmp_path / "spool", locks=tmp_path / name / "locks") for name in ("gone", "other"))
    begun(gone, b"film")
    assert other.sweep_parts() == 0
    (part,) = (tmp_path / "spool" / "parts").iterdir()
    then = part.stat().st_mtime - ABANDONED_S - 1
    os.utime(part, (then, then))
    assert other.sweep_parts() == 1
    assert list((tmp_path / "spool" / "parts").iterdir()) == []
