"""The table at the end of `make test`."""

from __future__ import annotations

from typing import Any

from tests.unit.house.coverage_by_room import rooms, table


def summary(statements: int, lines: int, branches: int = 0, taken: int = 0) -> dict[str, Any]:
    counts = {"num_statements": statements, "covered_lines": lines}
    return {"summary": counts | {"num_branches": branches, "covered_branches": taken}}


def test_files_are_summed_by_room_and_by_package() -> None:
    files = {
        "scp_node/errors.py": summary(4, 4),
        "scp_node/cli/main.py": summary(10, 5, 4, 1),
        "scp_node/cli/text/line.py": summary(10, 10, 4, 3),
    }
    assert [line.split() for line in table(rooms(files))[1:]] == [
        ["scp_node", "24", "79", "%", "8", "50", "%"],
        ["*.py", "4", "100", "%", "0"],
        ["cli", "20", "75", "%", "8", "50", "%"],
    ]
