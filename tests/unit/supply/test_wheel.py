"""Hilum's own wheel: the same bytes each time, with the bill of materials and the notices inside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from tests.supply import BILL, NOTICES
from tests.support.checkout import CHECKOUT


def built(folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(command, cwd=CHECKOUT, env=environment, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("hilum-*.whl")
    return wheel


def test_the_wheel_can_be_made_again_and_holds_bill_and_notices(tmp_path: Path) -> None:
    first, second = built(tmp_path / "first"), built(tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()
    with ZipFile(first) as archive:
        for path in (BILL, NOTICES):
            assert archive.read(f"scp_node/share/config/deploy/{path.name}") == path.read_bytes()
