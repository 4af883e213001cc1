"""One process of the node: loads its role, holds the role's lock, and ends with an exit code the supervisor knows."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pathlib import Path

from scp_node.errors import ConfigurationError, HilumError, ModelUnusable
from scp_node.host.lock_file import exclusive, shared
from scp_node.host.private_process import keep_private
from scp_node.node.settings_feed import SettingsFeed
from scp_node.settings.places import in_use_lock
from scp_node.telemetry.logs import configure_logging

log = logging.getLogger(__name__)
SHADOW = "shadow"
ROLES = ("receiver", "worker", SHADOW, "web")
LOCK_WAIT_S = 60.0


def replaced(data_dir: Path) -> str:
    """Why nothing starts there now, in words."""
    return f"{data_dir} is being restored or rebuilt: start the node when that has ended"


def main(role: str) -> int:
    """Entry point of a role process. Exit code 2: it cannot start like this; 1: it may be started again."""
    keep_private()
    feed = SettingsFeed(sys.stdin.fileno())
    settings = feed.settings
    configure_logging(settings.logging.level, settings.logging.format)
    run = import_module(f"scp_node.node.{role}").run
    try:
        with (
            exclusive(settings.node.data_dir / "locks" / f"{role}.lock", LOCK_WAIT_S),
            shared(in_use_lock(settings.node.data_dir), LOCK_WAIT_S, replaced(settings.node.data_dir)),
        ):
            run(feed)
    except (ConfigurationError, ModelUnusable) as error:
        log.error("cannot start", extra={"role": role, "reason": str(error)})
        return ConfigurationError.exit_code
    except HilumError as error:
        log.error("role ended", extra={"role": role, "code": error.code, "reason": str(error)})
        return HilumError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
