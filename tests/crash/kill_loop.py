"""Kills random processes of a working node and counts what was lost or duplicated.

    python -m tests.crash.kill_loop --rounds 20 --studies 20 --seed 1

Each round sends studies of one to three images as a modality would (again until 0x0000), kills one random process of
the node with -9 at a random moment, and then waits until every study has a Structured Report over all its images and a
heat map of each in Orthanc. With --postgresql the ledger is in a PostgreSQL of its own. The oracle is the archive: no
two reports of a study cover the same images, no image has two heat maps. Exit 0 only with 0 lost and 0 duplicated.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from tests.support.crash.archived_studies import QUIET_PERIOD_S, ArchivedStudies
from tests.support.crash.rounds import Found, arguments, passed, run_rounds
from tests.support.node.node import RunningNode, kill_9, running_node
from tests.support.peers.orthanc import Orthanc
from tests.support.peers.postgresql import start_postgresql
from tests.support.peers.program import running


class ProcessKills:
    """Studies through the whole node, into an archive that is left alone."""

    def __init__(self, node: RunningNode, archive: Orthanc, studies: int, seed: int, timeout_s: float) -> None:
        self._node, self._rng = node, random.Random(seed)
        self._load = ArchivedStudies(("127.0.0.1", node.port), archive, studies, self._rng, timeout_s)

    def under_load(self) -> AbstractContextManager[None]:
        return self._load.under_load()

    def break_it(self) -> str:
        time.sleep(self._rng.uniform(0.05, 3.0))
        processes = self._node.processes()
        victim = self._rng.choice(sorted(processes))
        if victim == "supervisor":
            self._node.kill()
        else:
            kill_9(processes[victim])
        return f"killed {victim.partition('-')[0]}"

    def start_again(self) -> None:
        """The supervisor starts its roles again; nobody but us starts the supervisor."""
        if self._node.process is None:
            self._node.start()

    def count(self) -> Found:
        return self._load.count()


def run(
    rounds: int, studies: int, seed: int, round_timeout_s: float, folder: Path, database_url: str | None
) -> Counter[str]:
    with running(Orthanc(folder / "orthanc")) as archive:
        archives, report = {"pacs": ("ORTHANC", archive.dicom_port)}, {"quiet_period_s": QUIET_PERIOD_S}
        storage = {"database_url": database_url}
        with running_node(folder / "node", archives, report=report, storage=storage) as node:
            return run_rounds(ProcessKills(node, archive, studies, seed, round_timeout_s), rounds)


def main() -> int:
    parser = arguments(__doc__, rounds=20)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--round-timeout-s", type=float, default=180)
    parser.add_argument("--postgresql", action="store_true", help="the ledger is in PostgreSQL")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hilum-crash-")))
        server = start_postgresql() if asked.postgresql else None
        if server is not None:
            stack.callback(server.stop)
        url = None if server is None else server.url()
        totals = run(asked.rounds, asked.studies, asked.seed, asked.round_timeout_s, folder, url)
    return 0 if passed(totals, asked.rounds, asked.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
