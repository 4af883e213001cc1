"""Where a bench run keeps its files, and what all parts share: folders per round, numbers of images, how much to do."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Record = dict[str, Any]


@dataclass
class Workplace:
    """`folder` lies on the disk that is measured; `quick` asks for few rounds, to see that all runs."""

    folder: Path
    quick: bool = False
    random: random.Random = field(default_factory=lambda: random.Random(20260101))
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(time.time_ns()))

    @property
    def loads(self) -> Path:
        return self.folder / "loads"

    def numbers(self, count: int) -> int:
        """The first of `count` numbers that no other image has."""
        first = next(self._numbers)
        for _ in range(count - 1):
            next(self._numbers)
        return first

    def shuffled(self, things: Any) -> list[Any]:
        """In an order of this run, so that no peer always follows the same one."""
        return self.random.sample(list(things), len(things))

    @contextmanager
    def fresh_folder(self) -> Iterator[Path]:
        """An empty folder, removed afterwards, and nothing left for the disk to do when the next one is measured."""
        folder = Path(tempfile.mkdtemp(prefix="round-", dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.sync()

    def say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


@contextmanager
def running(peer: Any, folder: Path) -> Iterator[Any]:
    """`peer` started in a folder of its own below `folder`, and stopped."""
    place = Path(tempfile.mkdtemp(prefix="peer-", dir=folder))
    try:
        peer.start(place)
        yield peer
    finally:
        peer.stop()
