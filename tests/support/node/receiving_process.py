"""A receiver with a real ledger in a process of its own, for what can only be done to a process.

python -m tests.support.node.receiving_process FOLDER          (prints its port, ends with its standard input)
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scp_node.engine.jobs import JobQueue
from scp_node.intake.received_instances import ReceivedInstances
from tests.support.ledger.ledgers import new_ledger
from tests.support.node.receiving import running_receiver


class ReceivingProcess:
    """Used as a context manager; `prefix` runs it under another program. `port` is 0 when it did not start."""

    def __init__(self, folder: Path, prefix: Sequence[str] = ()) -> None:
        command = [*prefix, sys.executable, "-m", __name__, str(folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline() or 0)

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.__exit__()

    def __enter__(self) -> ReceivingProcess:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


def main(folder: Path) -> None:
    ledger = new_ledger(folder)
    jobs = JobQueue()
    with running_receiver(folder, ReceivedInstances(ledger, jobs)) as receiver:
        print(receiver.port, flush=True)
        sys.stdin.read()
    ledger.engine.dispose()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
