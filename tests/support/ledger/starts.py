"""Nodes that start at once on one database: processes that bring its tables up to date."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

from tests.support.checkout import CHECKOUT

_MIGRATE = """
import sys
from scp_node.ledger.database import migrate, open_database
engine = open_database(sys.argv[1])
sys.stdin.readline()
migrate(engine)
engine.dispose()
"""


def start_at_once(url: str, nodes: int = 3) -> list[tuple[int, str]]:
    """Exit code of each, and what it complained of."""
    command = [sys.executable, "-c", _MIGRATE, url]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with ExitStack() as stack:
        started = [
            stack.enter_context(subprocess.Popen(command, text=True, cwd=CHECKOUT, **pipes))  # type: ignore[call-overload]
            for _ in range(nodes)
        ]
        for process in started:
            process.stdin.write("\n")
            process.stdin.flush()
        said = [process.communicate(timeout=150)[1] for process in started]
    return [(process.returncode, words) for process, words in zip(started, said, strict=True)]
