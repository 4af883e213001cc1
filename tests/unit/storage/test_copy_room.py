"""Copies of objects stay within their number of bytes: what is unused longest goes, and never what is in use."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from scp_node.errors import OutOfResources
from scp_node.host.disk_space import DiskLimits
from scp_node.storage.copy_room import IN_USE_S, CopyRoom
from tests.support.peers.moto import Moto, object_blobs


def copies(folder: Path, ages: list[float]) -> list[Path]:
    """Files of 100 bytes, used so many seconds ago."""
    made = []
    for number, age in enumerate(ages):
        path = folder / f"{number}.dcm"
        path.write_bytes(bytes(100))
        then = time.time() - age
        os.utime(path, (then, then))
        made.append(path)
    return made


def room(folder: Path, bytes_max: int) -> CopyRoom:
    return CopyRoom(lambda: folder.glob("*.dcm"), bytes_max)


def test_those_unused_longest_go_until_there_is_room(tmp_path: Path) -> None:
    made = copies(tmp_path, [IN_USE_S + 40, IN_USE_S + 10, IN_USE_S + 30, IN_USE_S + 20])
    room(tmp_path, 300).came(0)
    assert [path.exists() for path in made] == [False, True, False, True]


def test_what_is_in_use_stays_however_little_room_there_is(tmp_path: Path) -> None:
    made = copies(tmp_path, [IN_USE_S + 10, IN_USE_S - 20, 0])
    room(tmp_path, 100).came(0)
    assert [path.exists() for path in made] == [False, True, True]


def test_a_copy_counts_as_used_when_somebody_is_told_of_it(tmp_path: Path) -> None:
    made = copies(tmp_path, [IN_USE_S + 30, IN_USE_S + 20])
    one = room(tmp_path, 100)
    assert one.used(made[0])
    assert not one.used(tmp_path / "none.dcm")
    one.came(0)
    assert [path.exists() for path in made] == [True, False]


def test_the_folder_is_looked_at_when_enough_has_come(tmp_path: Path) -> None:
    one = room(tmp_path, 1600)
    one.came(0)  # the first one looks
    made = copies(tmp_path, [IN_USE_S + number for number in range(20, 0, -1)])
    one.came(99)
    assert all(path.exists() for path in made)
    one.came(1)
    assert sum(path.exists() for path in made) == 14


def test_what_is_received_counts_like_what_is_read(moto: Moto, tmp_path: Path) -> None:
    blobs = object_blobs(tmp_path, moto.port, cache_bytes_max=1000)
    for number in range(20):
        part = blobs.open_part()
        part.write([bytes([number]) * 100])
        path = part.commit(f"{number:02x}" * 32)
        then = time.time() - IN_USE_S - 100 + number
        os.utime(path, (then, then))
    assert len(list(blobs.copies())) <= 11


def test_copies_give_way_to_what_comes_in(moto: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of the copies is full: they are no reason to refuse an image, as long as they are not in use."""

    def statvfs(path: Path) -> os.statvfs_result:
        used = sum(one.stat().st_size for one in path.rglob("*.dcm"))
        return os.statvfs_result((1, 1, 1000, 1000 - used, 1000 - used, 0, 0, 0, 0, 255))

    names = [f"{number:02x}" * 32 for number in range(4)]
    blobs = object_blobs(tmp_path, moto.port, DiskLimits(used_percent_max=30))
    monkeypatch.setattr(os, "statvfs", statvfs)
    for name in names:
        path = blobs.put(name, bytes(100))
        then = time.time() - IN_USE_S - 1
        os.utime(path, (then, then))
    blobs.check_room()
    assert 0 < len(list(blobs.copies())) < 4
    assert all(blobs.path(name).exists() for name in names)
    with pytest.raises(OutOfResources, match="disk 40 % used"):
        blobs.check_room()
