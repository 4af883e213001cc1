"""Shows what the last tests ran of each room: `python -m tests.unit.house.coverage_by_room` after `pytest --cov`.

What only child processes run does not count. Silent when nothing was measured.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import coverage
from coverage.exceptions import NoDataError

COUNTED = ("num_statements", "covered_lines", "num_branches", "covered_branches")


def rooms(files: dict[str, Any]) -> dict[str, Counter[str]]:
    """The sums of each room, and of each package; files at the root of a package are a room of its name."""
    found: dict[str, Counter[str]] = {}
    for name, file in files.items():
        package, *inner = Path(name).parts
        room = f"{package}/{inner[0]}" if len(inner) > 1 else f"{package}/*.py"
        for place in (room, package):
            found.setdefault(place, Counter()).update({key: file["summary"][key] for key in COUNTED})
    return found


def table(found: dict[str, Counter[str]]) -> list[str]:
    lines = [f"{'room':<26}{'lines':>7}{'run':>8}{'branches':>10}{'run':>8}"]
    for room, sums in sorted(found.items()):
        lines_run = share(sums["covered_lines"], sums["num_statements"])
        branches_run = share(sums["covered_branches"], sums["num_branches"])
        name = f"  {room.partition('/')[2]}" if "/" in room else room
        lines.append(f"{name:<26}{sums['num_statements']:>7}{lines_run:>8}{sums['num_branches']:>10}{branches_run:>8}")
    return lines


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


def main() -> None:
    measured = coverage.Coverage()
    measured.load()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "coverage.json")
        try:
            measured.json_report(outfile=str(file))
        except NoDataError:
            return
        report = json.loads(file.read_text(encoding="utf-8"))
    print("\n".join(table(rooms(report["files"]))))


if __name__ == "__main__":
    main()
