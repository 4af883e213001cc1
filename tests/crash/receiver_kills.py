"""Kills the receiver with -9 under load, again and again, and counts what it had acknowledged and then lost.

    python -m tests.crash.receiver_kills --rounds 50 --seed 1

Four associations send without a pause. Each round kills either the receiver, which its supervisor starts again, or both
at once. Afterwards every instance that was answered with 0x0000 has to be in ledger and spool, byte for byte; no row
may be without its file, no part file may be left. What was under way is sent again and has to be taken. Exit 0 only
when nothing was lost.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support.crash.load import Instances, Load, broken_promises, store_again, wait_until
from tests.support.node.node import RunningNode, kill_9
from tests.support.peers.ports import free_port

READY_S = 60.0
# Beyond this the supervisor would wait for seconds before it starts the receiver again.
DEATHS_PER_SUPERVISOR = 3
BOTH_SHARE = 0.3


def run(rounds: int, seed: int, folder: Path) -> Counter[str]:
    """Run the loop; the totals: rounds, acknowledged, sent again, lost."""
    rng, instances, totals = random.Random(seed), Instances(), Counter[str]()
    node = RunningNode(folder, {"pacs": ("NOBODY", free_port())})
    node.only = ("receiver",)
    node.start()
    deaths, promised = 0, dict[str, str]()
    try:
        for number in range(1, rounds + 1):
            load = Load(node.port, instances)
            both = deaths >= DEATHS_PER_SUPERVISOR or rng.random() < BOTH_SHARE
            with load.running():
                load.wait_for(rng.randint(1, 40))
                time.sleep(rng.uniform(0, 0.3))
                seen = len(node.log())
                if both:
                    _kill_both(node)
                else:
                    kill_9(node.processes()["receiver"])
                load.stop()
            if both:
                node.start()
            else:
                wait_until(lambda seen=seen: "receiver ready" in node.log(seen), "the receiver is back", READY_S)
            deaths = 0 if both else deaths + 1
            again = store_again(node.port, instances, load.unanswered)
            load.acknowledged |= {uid: instances.sha256(uid) for uid, status in again.items() if status == 0x0000}
            promised |= load.acknowledged
            # all of them at the end, which is enough to find what a later kill did to an earlier instance
            wrong = broken_promises(node.data_dir, promised if number == rounds else load.acknowledged)
            wrong += [f"{uid}: not taken again: 0x{status:04X}" for uid, status in again.items() if status]
            totals += Counter(rounds=1, acknowledged=len(load.acknowledged), again=len(again), lost=len(wrong))
            print(
                f"round {number}/{rounds}: killed {'receiver and supervisor' if both else 'receiver'}; "
                f"{len(load.acknowledged)} acknowledged, {len(again)} of them sent again, {len(wrong)} lost",
                flush=True,
            )
            for line in wrong:
                print(f"  {line}", flush=True)
    finally:
        node.stop()
    return totals


def _kill_both(node: RunningNode) -> None:
    processes = node.processes()
    kill_9(processes["receiver"])
    node.kill()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hilum-kills-") as folder:
        totals = run(arguments.rounds, arguments.seed, Path(folder))
    print(f"seed {arguments.seed}: " + ", ".join(f"{name} {totals[name]}" for name in sorted(totals)))
    return 0 if totals["rounds"] == arguments.rounds and not totals["lost"] else 1


if __name__ == "__main__":
    sys.exit(main())
