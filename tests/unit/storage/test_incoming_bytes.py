"""Files that are on their way in have a maximum all together, and give back what they took."""

from __future__ import annotations

from pathlib import Path

import pytest

from scp_node.errors import OutOfResources
from scp_node.host.disk_space import DiskLimits
from scp_node.storage.spool import Spool
from tests.support.node.receiving import files_below

MIB = 2**20
NAME = "a" * 64


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, DiskLimits(incoming_bytes_max=4 * MIB))


def test_the_bytes_of_all_parts_have_a_maximum(spool: Spool) -> None:
    first, second = spool.open_part(), spool.open_part()
    first.write([bytes(3 * MIB)])
    with pytest.raises(OutOfResources, match="4 MiB are being received already"):
        second.write([bytes(MIB + 1)])
    assert len(files_below(spool.root)) == 1, "the one that was too much is gone"
    first.write([bytes(MIB)])
    with pytest.raises(OutOfResources):
        spool.check_room()
    first.discard()


@pytest.mark.parametrize("end", ["commit", "discard"])
def test_a_part_that_ends_makes_room_for_the_next(spool: Spool, end: str) -> None:
    for _ in range(3):
        part = spool.open_part()
        part.write([bytes(4 * MIB)])
        part.commit(NAME) if end == "commit" else part.discard()
        part.discard()
        spool.check_room()


def test_results_are_not_counted(spool: Spool) -> None:
    part = spool.open_part()
    part.write([bytes(4 * MIB)])
    spool.put(NAME, bytes(MIB))
    part.discard()


def test_without_a_maximum_everything_may_come_in(tmp_path: Path) -> None:
    part = Spool(tmp_path).open_part()
    part.write([bytes(8 * MIB)])
    part.discard()
