"""kill -9 of the web role while programs send by STOW-RS: what was answered as stored is there, and nothing half is."""

from __future__ import annotations

import random
import time
from pathlib import Path

from tests.support.crash.load import Instances
from tests.support.crash.promises import broken_promises, integrity, kept_twice
from tests.support.crash.stow_load import StowLoad
from tests.support.node.node import RunningNode, kill_9
from tests.support.peers.ports import free_port
from tests.support.peers.program import running
from tests.support.waiting import until
from tests.support.web.stow import token_of

ROUNDS, SEED = 2, 11
READY_S = 60.0


def test_nothing_acknowledged_is_lost_when_the_web_role_is_killed(tmp_path: Path) -> None:
    node = RunningNode(tmp_path, {"pacs": ("NOBODY", free_port())}, web={"stow": {"enabled": True}})
    node.document["web"]["port"] = node.web_port
    node.write_config()
    node.only = ("web",)
    rng = random.Random(SEED)
    with running(node):
        ledger = node.ledger()
        load = StowLoad(node.web_port, token_of(ledger), Instances())
        ledger.engine.dispose()
        for _ in range(ROUNDS):
            seen = len(node.log())
            with load.running():
                load.wait_for(rng.randint(1, 30))
                time.sleep(rng.uniform(0, 0.2))
                kill_9(node.processes()["web"])
            until(lambda seen=seen: "web ready" in node.log(seen), "the web role is back", READY_S)  # type: ignore[misc]
            assert broken_promises(node.data_dir, load.acknowledged) == []
            assert set(load.send_again()) <= {200}
            assert broken_promises(node.data_dir, load.acknowledged) == []
            assert kept_twice(node.data_dir) == []
        assert load.acknowledged and integrity(node.data_dir) == "ok"
