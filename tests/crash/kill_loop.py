"""Kills random processes of a working node and counts what was lost or duplicated.

    python -m tests.crash.kill_loop --rounds 20 --studies 20 --seed 1

Each round sends studies as a modality would (again until 0x0000), kills one random process of the node with -9 at a
random moment, and then waits until every study has its Structured Report and heat map in Orthanc. The oracle is the
archive: each study exactly one report and one heat map. Exit 0 only with 0 lost and 0 duplicated.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from pydicom import Dataset

from tests.support.modality import store_until_stored
from tests.support.node import RunningNode, kill_9
from tests.support.orthanc import Orthanc
from tests.support.phantoms import make_dx

EXPECTED = {"SR": 1, "OT": 1}


def run(rounds: int, studies: int, seed: int, round_timeout_s: float, folder: Path) -> dict[str, int]:
    """Run the loop; returns the totals: studies, kills by process, lost, duplicated."""
    rng = random.Random(seed)
    archive = Orthanc(folder / "orthanc")
    archive.start()
    node = RunningNode(folder / "node", {"pacs": ("ORTHANC", archive.dicom_port)}, report={"quiet_period_s": 0.5})
    totals: Counter[str] = Counter()
    try:
        node.start()
        for number in range(rounds):
            sent = [make_dx(seed=1000 * number + index, rows=256, columns=220) for index in range(studies)]
            victim = _send_and_kill(node, sent, rng)
            totals[f"killed {victim}"] += 1
            waiting, duplicated = _settle(archive, sent, round_timeout_s)
            totals["studies"] += len(sent)
            totals["lost"] += len(waiting)
            totals["duplicated"] += duplicated
            print(
                f"round {number + 1}/{rounds}: killed {victim}; {len(sent)} studies, {len(waiting)} without result, "
                f"{duplicated} duplicated",
                flush=True,
            )
            for uid in waiting:
                print(f"  lost: {uid}", flush=True)
    finally:
        node.stop()
        archive.stop()
    return dict(totals)


def _send_and_kill(node: RunningNode, sent: list[Dataset], rng: random.Random) -> str:
    """Send from two threads while a random process of the node dies; a dead supervisor is started again."""
    threads = [threading.Thread(target=store_until_stored, args=(node.port, sent[half::2], 400)) for half in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(rng.uniform(0.05, 3.0))
    processes = node.processes()
    victim = rng.choice(sorted(processes))
    if victim == "supervisor":
        node.kill()
        node.start()
    else:
        kill_9(processes[victim])
    for thread in threads:
        thread.join()
    return victim.split("-")[0]


def _settle(archive: Orthanc, sent: list[Dataset], timeout_s: float) -> tuple[list[str], int]:
    """Wait until every study has its results; returns the studies without and the number of surplus objects."""
    deadline = time.monotonic() + timeout_s
    waiting = [str(ds.StudyInstanceUID) for ds in sent]
    while waiting and time.monotonic() < deadline:
        waiting = [uid for uid in waiting if not _complete(_modalities(archive, uid))]
        time.sleep(0.2)
    time.sleep(2)
    surplus = 0
    for ds in sent:
        found = _modalities(archive, str(ds.StudyInstanceUID))
        surplus += sum(max(0, found[modality] - count) for modality, count in EXPECTED.items())
    return waiting, surplus


def _modalities(archive: Orthanc, study_instance_uid: str) -> Counter[str]:
    instances = archive.find("Instance", StudyInstanceUID=study_instance_uid)
    return Counter(archive.tags(one)["Modality"] for one in instances)


def _complete(found: Counter[str]) -> bool:
    return all(found[modality] >= count for modality, count in EXPECTED.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--round-timeout-s", type=float, default=180)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hilum-crash-") as folder:
        totals = run(arguments.rounds, arguments.studies, arguments.seed, arguments.round_timeout_s, Path(folder))
    print(f"seed {arguments.seed}: " + ", ".join(f"{count} {name}" for name, count in sorted(totals.items())))
    return 0 if not totals.get("lost") and not totals.get("duplicated") else 1


if __name__ == "__main__":
    sys.exit(main())
