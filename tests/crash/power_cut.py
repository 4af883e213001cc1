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
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support.crash.load import (
    Instances,
    Load,
    broken_promises,
    integrity,
    ledger_rows,
    store_again,
    wait_until,
)
from tests.support.crash.mounts import mount, why_no_disk_image
from tests.support.node.node import RunningNode
from tests.support.peers.dcmtk import find_program, program
from tests.support.peers.ports import free_port, is_listening

IMAGE_BYTES = 2 * 2**30
ANALYSED_WITHIN_S = 300.0
_IN_NAMESPACE = "HILUM_POWER_CUT_NAMESPACE"


class Disk:
    """An ext4 image, mounted; `cut` takes the power from it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._number = folder, 0
        self.root = folder / "disk"
        self.root.mkdir(parents=True)
        with self._image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(self._image)], check=True)
        self._mount()

    @property
    def _image(self) -> Path:
        return self._folder / f"image-{self._number}"

    def cut(self, pids: list[int]) -> None:
        """Stop the processes, keep what the block device has at this moment, and go on with that."""
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        before = self._image
        self._number += 1
        self._copy(before, self._image)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            wait_until(lambda pid=pid: not _lives(pid), f"process {pid} ended", 30)
        self._unmount()
        before.unlink()
        self._mount()

    def close(self) -> None:
        self._unmount()

    def _mount(self) -> None:
        mounted = mount("-o", "loop", self._image, self.root)
        if mounted.returncode:
            raise RuntimeError(f"the disk cannot be mounted: {mounted.stderr}")
        self._device = next(
            words[0]
            for line in Path("/proc/mounts").read_text().splitlines()
            if (words := line.split())[1] == str(self.root)
        )

    def _unmount(self) -> None:
        """The threads of a killed process may hold its files a little longer than itself."""
        command = ["umount", str(self.root)]
        wait_until(lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0, "unmounted", 30)

    def _copy(self, source: Path, target: Path) -> None:
        """Again until nothing was written meanwhile: the copy is of one moment."""
        while True:
            before = self._written()
            subprocess.run(["cp", "--sparse=always", str(source), str(target)], check=True)
            if self._written() == before:
                return

    def _written(self) -> tuple[str, ...]:
        """Writes and flushes that the block device has seen (fields 5 and 16), none of them under way (9)."""
        stat = Path("/sys/block") / Path(self._device).name / "stat"
        wait_until(lambda: stat.read_text().split()[8] == "0", "no write is under way", 30)
        fields = stat.read_text().split()
        return tuple(fields[4:5] + fields[15:16])


def _lives(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def run(rounds: int, seed: int, analyse: bool, folder: Path) -> Counter[str]:
    """Cut the power of the node; the totals: rounds, acknowledged, analysed, lost."""
    rng, instances, totals = random.Random(seed), Instances(), Counter[str]()
    disk = Disk(folder)
    node = RunningNode(folder / "node", {"pacs": ("NOBODY", free_port())}, node={"data_dir": str(disk.root / "data")})
    node.only = ("receiver",)
    node.start()
    promised: dict[str, str] = {}
    try:
        for number in range(1, rounds + 1):
            load = Load(node.port, instances)
            with load.running():
                load.wait_for(rng.randint(1, 100))
                time.sleep(rng.uniform(0, 0.3))
                # the receiver first: a supervisor that still runs would only wait for it
                pids = sorted(node.processes().values(), reverse=True)
                load.stop()
                disk.cut(pids)
                assert node.process is not None
                node.process.wait(30)
            promised |= load.acknowledged
            wrong = [] if integrity(node.data_dir) == "ok" else ["the ledger is damaged"]
            node.start()
            wrong += broken_promises(node.data_dir, promised)
            again = store_again(node.port, instances, load.unanswered)
            promised |= {uid: instances.sha256(uid) for uid, status in again.items() if status == 0x0000}
            wrong += [f"{uid}: not taken again: 0x{status:04X}" for uid, status in again.items() if status]
            totals += Counter(rounds=1, acknowledged=len(load.acknowledged), again=len(again), lost=len(wrong))
            print(
                f"cut {number}/{rounds}: {len(load.acknowledged)} acknowledged, {len(again)} sent again, "
                f"{len(wrong)} lost of {len(promised)}",
                flush=True,
            )
            for line in wrong:
                print(f"  {line}", flush=True)
            if number == 1 and analyse:
                totals["analysed"] = _finish(node)
    finally:
        node.stop()
        disk.close()
    return totals


def _finish(node: RunningNode) -> int:
    """Run all roles until no image waits; how many there are."""
    node.stop()
    node.only = ()
    node.start()
    wait_until(
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
        wait_until(lambda: is_listening(port), "storescp listens", 30)
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
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--analyse", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    if reason := why_no_disk_image():
        print(f"skipped: {reason}")
        return 0
    if _IN_NAMESPACE not in os.environ:
        command = ["unshare", "--mount", sys.executable, "-m", "tests.crash.power_cut", *sys.argv[1:]]
        return subprocess.run(command, env={**os.environ, _IN_NAMESPACE: "1"}, check=False).returncode
    with tempfile.TemporaryDirectory(prefix="hilum-cuts-") as folder:
        totals = run(arguments.rounds, arguments.seed, arguments.analyse, Path(folder) / "hilum")
        print(f"seed {arguments.seed}: " + ", ".join(f"{name} {totals[name]}" for name in sorted(totals)))
        control = run_control(Path(folder) / "control") if find_program("storescp") else None
    print(
        "control storescp: "
        + ("skipped: not installed" if control is None else "acknowledged {}, lost {}".format(*control))
    )
    proven = control is None or control[1] > 0
    return 0 if totals["rounds"] == arguments.rounds and not totals["lost"] and proven else 1


if __name__ == "__main__":
    sys.exit(main())
