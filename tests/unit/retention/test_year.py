"""Weeks on a small disk: no image is refused, nothing that waits goes, and the ledger stays bounded.

`python -m tests.soak.retention_year FOLDER` lives through a whole year of 200 studies a day.
"""

from __future__ import annotations

from pathlib import Path

from scp_node.settings import Retention
from tests.soak.retention_year import Year


def test_a_disk_with_room_for_less_than_the_days_makes_room_in_time(tmp_path: Path) -> None:
    """It fits eight days, images are to be kept for twelve, and the archive is down for three."""
    year = Year(tmp_path, 12, 8, Retention(images_days=12, results_days=14, studies_days=15, makes_room_percent_min=80))
    year.live(32)
    assert year.largest_bytes > 0.6 * year.bytes_max, "the disk was put to the test"
    assert max(year.ledger_bytes[-8:]) <= 1.2 * max(year.ledger_bytes[:20]), "room of what went is used again"
    with year.ledger.reading() as tx:
        assert {one.reason for one in tx.removals.days_since(year.now.date().replace(month=1, day=1))} == {
            "age",
            "disk",
        }
    year.ledger.engine.dispose()
