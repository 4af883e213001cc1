"""The spool takes nothing that disk, inodes or its quota have no room for, and takes on as soon as they have."""

from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from scp_node.errors import OutOfResources
from scp_node.host import disk_space as module
from scp_node.host.disk_space import DiskLimits, DiskSpace
from scp_node.storage.part_file import GROWTH_CHECK_BYTES
from scp_node.storage.spool import Spool, instance_name
from tests.support.node.receiving import files_below

NAME, OTHER_NAME = instance_name("1.2.3", "0" * 32), instance_name("1.2.4", "0" * 32)
MIB = 2**20
GIB = 2**30 // 4096
Volume = namedtuple("Volume", "f_frsize f_blocks f_bfree f_bavail f_files f_favail")


def disk(monkeypatch: pytest.MonkeyPatch, free_gib: int, inodes: int = 1000, inodes_free: int = 1000) -> None:
    """A disk of 100 GiB."""
    volume = Volume(4096, 100 * GIB, free_gib * GIB, free_gib * GIB, inodes, inodes_free)
    monkeypatch.setattr(os, "statvfs", lambda path: volume)


class Clock:
    """A clock that a test sets."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("free_gib", "expected"),
    [(16, None), (14, "disk 86 % used, limit 85 %"), (4, "disk 96 % used"), (0, "disk 100 % used")],
)
def test_the_watermark_is_a_share_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_gib: int, expected: str | None
) -> None:
    room = DiskSpace(tmp_path, DiskLimits(used_percent_max=85))
    disk(monkeypatch, free_gib)
    if expected is None:
        room.check()
    else:
        with pytest.raises(OutOfResources, match=expected):
            room.check()


def test_the_watermark_is_also_an_amount_of_free_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = DiskSpace(tmp_path, DiskLimits(free_bytes_min=5 * 2**30))
    disk(monkeypatch, free_gib=6)
    room.check()
    with pytest.raises(OutOfResources, match="disk has 4096 MiB free, limit 5120 MiB"):
        room.check(bytes_expected=2 * 2**30)


def test_a_disk_with_too_few_inodes_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = DiskSpace(tmp_path, DiskLimits(inodes_free_percent_min=1))
    disk(monkeypatch, 50, inodes=1000, inodes_free=10)
    room.check()
    disk(monkeypatch, 50, inodes=1000, inodes_free=9)
    with pytest.raises(OutOfResources, match=r"disk has 0\.9 % of its inodes free, limit 1 %"):
        room.check()


def test_a_disk_without_a_fixed_number_of_inodes_is_not_short_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk(monkeypatch, 50, inodes=0, inodes_free=0)
    DiskSpace(tmp_path, DiskLimits(inodes_free_percent_min=100)).check()


def test_the_quota_counts_what_was_there_and_what_comes(tmp_path: Path) -> None:
    Spool(tmp_path / "spool").put(OTHER_NAME, bytes(MIB))
    spool = Spool(tmp_path / "spool", DiskLimits(spool_bytes_max=2 * MIB))
    spool.check_room(MIB)
    spool.open_part().write([bytes(MIB // 2)])
    spool.check_room(MIB // 2)
    with pytest.raises(OutOfResources, match="spool holds 1 MiB, limit 2 MiB"):
        spool.check_room(MIB // 2 + 1)


def test_what_is_discarded_no_longer_counts(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", DiskLimits(spool_bytes_max=MIB))
    spool.check_room()
    part = spool.open_part()
    part.write([bytes(MIB)])
    with pytest.raises(OutOfResources):
        spool.check_room(1)
    part.discard()
    spool.check_room(MIB)


def test_a_full_spool_is_counted_again_after_a_while_and_an_open_one_more_rarely(tmp_path: Path) -> None:
    clock = Clock()
    room = DiskSpace(tmp_path, DiskLimits(spool_bytes_max=MIB), clock)
    file = tmp_path / "file"
    file.write_bytes(bytes(MIB + 1))
    with pytest.raises(OutOfResources):
        room.check()
    file.write_bytes(bytes(MIB))
    clock.now_s = module.RECOUNT_WHEN_FULL_S - 1
    with pytest.raises(OutOfResources):
        room.check()
    clock.now_s = module.RECOUNT_WHEN_FULL_S
    room.check()
    file.write_bytes(bytes(MIB + 1))
    clock.now_s = module.RECOUNT_WHEN_FULL_S + module.RECOUNT_S - 1
    room.check()
    clock.now_s += 1
    with pytest.raises(OutOfResources):
        room.check()


def test_files_are_not_counted_at_each_check_nor_without_a_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks: list[str] = []
    scandir = os.scandir

    def counted(path: str) -> Any:
        walks.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    for limits, expected in ((DiskLimits(), 0), (DiskLimits(spool_bytes_max=MIB), 1)):
        walks.clear()
        room = DiskSpace(tmp_path, limits)
        for _ in range(100):
            room.check()
        assert len(walks) == expected


@pytest.mark.parametrize("limits", [{"spool_bytes_max": GROWTH_CHECK_BYTES}, {"free_bytes_min": 5 * 2**30}])
def test_a_file_that_outgrows_the_room_is_stopped_while_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int]
) -> None:
    spool = Spool(tmp_path / "spool", DiskLimits(**limits))
    disk(monkeypatch, free_gib=6)
    spool.check_room()
    part = spool.open_part()
    disk(monkeypatch, free_gib=4)
    written = 0
    with pytest.raises(OutOfResources, match=r"disk has|spool holds"):
        for _ in range(40):
            part.write([bytes(MIB)])
            written += MIB
    assert written <= 2 * GROWTH_CHECK_BYTES
    assert files_below(spool.root) == []


def test_a_result_is_written_even_above_the_watermark(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", DiskLimits(spool_bytes_max=1, free_bytes_min=2**62))
    with pytest.raises(OutOfResources):
        spool.check_room()
    assert spool.put(NAME, bytes(2 * GROWTH_CHECK_BYTES)).exists()
