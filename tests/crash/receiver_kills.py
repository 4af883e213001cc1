"""Kills the receiver with -9 under load, again and again, and counts what it had acknowledged and then lost.

    python -m tests.crash.receiver_kills --rounds 50 --seed 1

Each round kills either the receiver, which its supervisor starts again, or both at once. Afterwards every instance that
was answered with 0x0000 has to be in ledger and spool, byte for byte; no row may be without its file, no file without
its row, and no part file may be left. Exit 0 only when nothing was lost.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.support.crash.receiver_trial import ReceiverTrial, receiver_alone
from tests.support.crash.rounds import arguments, passed, run_rounds
from tests.support.node.node import RunningNode, kill_9
from tests.support.waiting import until

READY_S = 60.0
# Beyond this the supervisor would wait for seconds before it starts the receiver again.
DEATHS_PER_SUPERVISOR = 3
BOTH_SHARE = 0.3


class Kills(ReceiverTrial):
    def __init__(self, node: RunningNode, seed: int) -> None:
        super().__init__(node, seed)
        self._deaths, self._log_seen = 0, 0

    def break_it(self) -> str:
        both = self._deaths >= DEATHS_PER_SUPERVISOR or self.rng.random() < BOTH_SHARE
        self._deaths = 0 if both else self._deaths + 1
        self._log_seen = len(self.node.log())
        kill_9(self.node.processes()["receiver"])
        if both:
            self.node.kill()
        self.load.stop()
        return f"killed {'receiver and supervisor' if both else 'receiver'}"

    def start_again(self) -> None:
        if self.node.process is None:
            self.node.start()
        else:
            until(lambda: "receiver ready" in self.node.log(self._log_seen), "the receiver is back", READY_S)


def run(rounds: int, seed: int, folder: Path) -> Counter[str]:
    with receiver_alone(folder) as node:
        return run_rounds(Kills(node, seed), rounds)


def main() -> int:
    asked = arguments(__doc__, rounds=50).parse_args()
    with tempfile.TemporaryDirectory(prefix="hilum-kills-") as folder:
        totals = run(asked.rounds, asked.seed, Path(folder))
    return 0 if passed(totals, asked.rounds, asked.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
