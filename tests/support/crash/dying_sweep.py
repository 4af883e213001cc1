"""A sweep that dies at a named point: `python -m tests.support.crash.dying_sweep FOLDER POINT URL`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.ledger.removals import Removals
from scp_node.retention.sweep import Sweep
from scp_node.settings import Retention
from scp_node.storage.previews import PreviewStore
from scp_node.storage.spool import Spool

# The call before which it dies, and which of these calls.
POINTS: dict[str, tuple[type, str, int]] = {
    "before the mark": (Removals, "count_day", 1),
    "marked": (Spool, "_unlink", 1),
    "some unlinked": (Spool, "_unlink", 2),
    "unlinked": (Spool, "sync_folders", 1),
    "on the disk": (Removals, "forget", 2),
}


def main(folder: Path, point: str, url: str) -> None:
    owner, name, number = POINTS[point]
    setattr(owner, name, _dying(getattr(owner, name), number))
    ledger, kept = Ledger(open_database(url)), Retention(images_days=30, makes_room=False)
    moment = datetime(2026, 6, 1, 12, tzinfo=UTC)
    Sweep(ledger, Spool(folder / "spool"), PreviewStore(folder / "previews"), lambda: kept, lambda: moment).sweep()


def _dying(call: Callable[..., Any], number: int) -> Callable[..., Any]:
    calls = 0

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            os._exit(9)
        return call(*arguments)

    return counted


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
