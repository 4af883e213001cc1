"""What each part measured, kept as JSON beside when and on which machine, so that one can run alone."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.workplace import Record
from tests.support.checkout import CHECKOUT


class Kept:
    """One JSON file a part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, part: str, records: list[Record], place: Path) -> None:
        """`place` is where the peers wrote their files."""
        whole = {"about": about_now(place), "records": records}
        (self.folder / f"{part}.json").write_text(json.dumps(whole, indent=1), encoding="utf-8")

    def records(self, part: str) -> list[Record]:
        """What the part measured last; nothing when it never ran."""
        return list(self._read(part).get("records", ()))

    def about(self, part: str) -> dict[str, str]:
        return dict(self._read(part).get("about", {}))

    def _read(self, part: str) -> dict[str, Any]:
        path = self.folder / f"{part}.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def about_now(place: Path) -> dict[str, str]:
    """When and where: processor, cores, memory, file system, Python, and the commit that was measured."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{len(os.sched_getaffinity(0))} cores of {model}, {memory:.0f} GiB, {platform.system()}",
        "disk": _said("df", "--output=fstype", str(place)).split()[-1],
        "python": platform.python_version(),
        "commit": _said("git", "rev-parse", "--short", "HEAD") + ("+" if _said("git", "status", "--porcelain") else ""),
    }


def _said(*command: str) -> str:
    answer = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else "unknown"
