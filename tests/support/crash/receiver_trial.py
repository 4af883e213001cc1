"""A receiver alone under load: what it acknowledged before it was broken has to be there afterwards, once."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from tests.support.crash.load import Instances, Load, store_again
from tests.support.crash.promises import broken_promises, kept_twice
from tests.support.crash.rounds import Found
from tests.support.node.node import RunningNode
from tests.support.peers.ports import free_port
from tests.support.peers.program import running

BREAK_WITHIN_S = 0.3


def receiver_alone(folder: Path, **sections: Any) -> AbstractContextManager[RunningNode]:
    """A node of which only the receiver runs."""
    node = RunningNode(folder, {"pacs": ("NOBODY", free_port())}, **sections)
    node.only = ("receiver",)
    return running(node)


class ReceiverTrial(ABC):
    """Four associations send without a pause; what was under way at the break is sent again and has to be taken."""

    # at most so many instances are acknowledged before the break
    acknowledged_max = 40

    def __init__(self, node: RunningNode, seed: int) -> None:
        self.node, self.rng = node, random.Random(seed)
        self.promised: dict[str, str] = {}
        self._instances = Instances()
        self.load = Load(node.port, self._instances)

    @contextmanager
    def under_load(self) -> Iterator[None]:
        self.load = Load(self.node.port, self._instances)
        with self.load.running():
            self.load.wait_for(self.rng.randint(1, self.acknowledged_max))
            time.sleep(self.rng.uniform(0, BREAK_WITHIN_S))
            yield

    @abstractmethod
    def break_it(self) -> str: ...

    @abstractmethod
    def start_again(self) -> None: ...

    def count(self) -> Found:
        self.promised |= self.load.acknowledged
        lost = broken_promises(self.node.data_dir, self.promised)
        again = store_again(self.node.port, self._instances, self.load.unanswered)
        lost += [f"{uid}: not taken again: 0x{status:04X}" for uid, status in again.items() if status]
        taken = {uid: self._instances.sha256(uid) for uid, status in again.items() if status == 0x0000}
        lost += broken_promises(self.node.data_dir, taken)
        self.promised |= taken
        counted = Counter({"acknowledged": len(self.load.acknowledged), "sent again": len(again)})
        return Found(counted, lost, kept_twice(self.node.data_dir))
