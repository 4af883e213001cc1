"""A disk of a test: an ext4 image behind a loop device, from which the power can be taken."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
from pathlib import Path

from tests.support.crash.mounts import mount
from tests.support.waiting import until

IMAGE_BYTES = 2 * 2**30
SETTLED_WITHIN_S = 30.0


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
        until(lambda: not any(map(_lives, pids)), "the processes ended", SETTLED_WITHIN_S)
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
        unmounted = functools.partial(subprocess.run, command, capture_output=True, check=False)
        until(lambda: unmounted().returncode == 0, "it is unmounted", SETTLED_WITHIN_S)

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
        until(lambda: stat.read_text().split()[8] == "0", "no write is under way", SETTLED_WITHIN_S)
        fields = stat.read_text().split()
        return tuple(fields[4:5] + fields[15:16])


def _lives(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
