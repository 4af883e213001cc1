"""kill -9 and power cuts, a few of each; `make soak` runs them for long (see receiver_kills and power_cut)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash import receiver_kills
from tests.support.crash.mounts import why_no_disk_image


def test_nothing_acknowledged_is_lost_when_the_receiver_is_killed(tmp_path: Path) -> None:
    totals = receiver_kills.run(3, seed=7, folder=tmp_path)
    assert (totals["rounds"], totals["lost"]) == (3, 0)
    assert totals["acknowledged"] > 0


@pytest.mark.peer("storescp")
def test_nothing_acknowledged_is_lost_when_the_power_is_cut_and_without_fsync_it_would_be() -> None:
    if reason := why_no_disk_image():
        pytest.skip(reason)
    command = [sys.executable, "-m", "tests.crash.power_cut", "--rounds", "1", "--no-analyse"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert ", 0 lost" in result.stdout and "control storescp: acknowledged" in result.stdout
