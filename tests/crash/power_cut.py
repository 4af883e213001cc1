"""Takes the power from a receiver under load, again and again, and counts what it had acknowledged and then lost.

    python -m tests.crash.power_cut --rounds 20 --seed 1          (as root; mounts in a namespace of its own)

The node's data folder is an ext4 disk image, mounted through a loop device. At the cut all its processes are stopped
(SIGSTOP) and the image is copied as the block device has it: what only the page cache of the mounted file system held
is not in the copy. The processes are then killed, and the copy is mounted in place of the image: its journal is
replayed, as after a power cut. Now SQLite has to find the ledger in order, every instance that was ever answered with
0x0000 has to be there byte for byte, and the node has to start and take what was under way. After the first cut all
roles run until every image was looked at (unless --no-analyse). The next round goes on with the copy.

As a control the same is done to DCMTK's storescp, which does not fsync: it has to lose instances, or the test proves
nothing. Writes that a real disk keeps in a cache of its own, or reorders, are not simulated.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.support.crash.disk_image import Disk
from tests.support.crash.load import Instances, Load
from tests.support.crash.mounts import why_no_disk_image
from tests.support.crash.promises import integrity, ledger_rows
from tests.support.crash.receiver_trial import ReceiverTrial, receiver_alone
from tests.support.crash.rounds import Found, arguments, passed, run_rounds
from tests.support.node.node import RunningNode
from tests.support.peers.dcmtk import find_program, program
from tests.support.peers.ports import free_port, is_listening
from tests.support.waiting import until

ANALYSED_WITHIN_S = 300.0
_IN_NAMESPACE = "HILUM_POWER_CUT_NAMESPACE"


class PowerCuts(ReceiverTrial):
    acknowledged_max = 100

    def __init__(self, node: RunningNode, seed: int, disk: Disk, analyse: bool) -> None:
        super().__init__(node, seed)
        self._disk, self._analyse, self._damaged = disk, analyse, False

    def break_it(self) -> str:
        # the receiver first: a supervisor that still runs would only wait for it
        pids = sorted(self.node.processes().values(), reverse=True)
        self.load.stop()
        self._disk.cut(pids)
        self.node.kill()
        return "cut the power"

    def start_again(self) -> None:
        self._damaged = integrity(self.node.data_dir) != "ok"
        self.node.start()

    def count(self) -> Found:
        found = super().count()
        if self._damaged:
            found.lost.append("the ledger is damaged")
        if self._analyse:
            self._analyse = False
            found.counted["analysed"] = _analyse_all(self.node)
        return found


def run(rounds: int, seed: int, analyse: bool, folder: Path) -> Counter[str]:
    disk = Disk(folder)
    try:
        with receiver_alone(folder / "node", node={"data_dir": str(disk.root / "data")}) as node:
            return run_rounds(PowerCuts(node, seed, disk, analyse), rounds)
    finally:
        disk.close()


def _analyse_all(node: RunningNode) -> int:
    """Run all roles until no image waits; how many there are."""
    node.stop()
    node.only = ()
    node.start()
    until(
        lambda: all(state != "received" for state, _ in ledger_rows(node.data_dir).values()),
        "images analysed",
        ANALYSED_WITHIN_S,
    )
    node.stop()
    node.only = ("receiver",)
    node.start()
    return len(ledger_rows(node.data_dir))


def run_control(folder: Path) -> tuple[int, int]:
    """The same with DCMTK's storescp: (acknowledged, lost)."""
    disk, port, instances = Disk(folder), free_port(), Instances()
    store = disk.root / "store"
    store.mkdir()
    os.sync()  # the folder itself is to be there afterwards
    process = subprocess.Popen(
        [program("storescp"), "--fork", "+B", "-od", str(store), str(port)], stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: is_listening(port), "storescp listens", 30)
        load = Load(port, instances)
        with load.running():
            load.wait_for(100)
            pids = _family(process.pid)
            load.stop()
            disk.cut(pids)
        process.wait(30)
        kept = {path for path in store.iterdir() if path.stat().st_size}
        there = {uid for uid in load.acknowledged if any(uid in path.name for path in kept)}
        return len(load.acknowledged), len(load.acknowledged) - len(there)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)
        disk.close()


def _family(pid: int) -> list[int]:
    children = (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text().split()
    return [*map(int, children), pid]


def main() -> int:
    parser = arguments(__doc__, rounds=20)
    parser.add_argument("--analyse", action=argparse.BooleanOptionalAction, default=True)
    asked = parser.parse_args()
    if reason := why_no_disk_image():
        print(f"skipped: {reason}")
        return 0
    if _IN_NAMESPACE not in os.environ:
        command = ["unshare", "--mount", sys.executable, "-m", "tests.crash.power_cut", *sys.argv[1:]]
        return subprocess.run(command, env={**os.environ, _IN_NAMESPACE: "1"}, check=False).returncode
    with tempfile.TemporaryDirectory(prefix="hilum-cuts-") as folder:
        totals = run(asked.rounds, asked.seed, asked.analyse, Path(folder) / "hilum")
        nothing_lost = passed(totals, asked.rounds, asked.seed)
        control = run_control(Path(folder) / "control") if find_program("storescp") else None
    print(
        "control storescp: "
        + ("skipped: not installed" if control is None else "acknowledged {}, lost {}".format(*control))
    )
    proven = control is None or control[1] > 0
    return 0 if nothing_lost and proven else 1


if __name__ == "__main__":
    sys.exit(main())
