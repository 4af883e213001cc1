"""The node of a demonstration ends with it, also when the person does not wait for that."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from scp_node.demo.node_process import _stop

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"


def test_who_does_not_wait_for_the_end_of_the_node_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        wait = process.wait

        def interrupted(timeout: float | None = None) -> Any:
            if timeout is not None:
                raise KeyboardInterrupt
            return wait()

        monkeypatch.setattr(process, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _stop(process)
        assert process.returncode == -9
