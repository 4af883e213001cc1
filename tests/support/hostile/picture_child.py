"""A child that makes pictures, with two tasks more: one ends it, one never answers."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from scp_node.web.pictures.child import main
from scp_node.web.pictures.tasks import TASKS, Made
from scp_node.web.pictures.workshop import Workshop


def dies(workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]) -> Made:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}, []


def hangs(workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]) -> Made:
    time.sleep(600)
    return {}, []


if __name__ == "__main__":
    TASKS.update(dies=dies, hangs=hangs)
    sys.exit(main())
