"""One process of the node: loads its role, holds the role's lock, and ends with an exit code the supervisor knows."""

from __future__ import annotations

import fcntl
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from scp_node.errors import ConfigurationError, HilumError, ModelUnusable
from scp_node.node.settings_feed import Orders
from scp_node.telemetry.logs import configure_logging

log = logging.getLogger(__name__)
SHADOW = "shadow"
ROLES = ("receiver", "worker", SHADOW, "web")
LOCK_WAIT_S = 60.0


@contextmanager
def exclusive(path: Path, wait_s: float) -> Iterator[None]:
    """Hold a lock file, waiting for a predecessor that is still ending. Raises ConfigurationError when it stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    deadline = time.monotonic() + wait_s
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConfigurationError(f"{path.parent} is in use by another node") from None
                time.sleep(0.1)
        yield


def main(role: str) -> int:
    """Entry point of a role process. Exit code 2: it cannot start like this; 1: it may be started again."""
    orders = Orders(sys.stdin.fileno())
    settings = orders.settings
    configure_logging(settings.logging.level, settings.logging.format)
    run = import_module(f"scp_node.node.{role}").run
    try:
        with exclusive(settings.node.data_dir / "locks" / f"{role}.lock", LOCK_WAIT_S):
            run(orders)
    except (ConfigurationError, ModelUnusable) as error:
        log.error("cannot start", extra={"role": role, "reason": str(error)})
        return ConfigurationError.exit_code
    except HilumError as error:
        log.error("role ended", extra={"role": role, "code": error.code, "reason": str(error)})
        return HilumError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
