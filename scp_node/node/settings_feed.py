"""What the supervisor tells a role through its standard input: the accepted settings, then changed ones, one JSON
document a line, and, by closing it, to stop. No role goes by the configuration file itself, so that one that is being
edited cannot keep a role from coming back, and no role outlives its supervisor."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

from scp_node.settings import Settings

LINE_BYTES_MAX = 8 * 1024 * 1024
# Names the configuration file to the roles. One of them shows it; none goes by what stands in it.
CONFIG_VARIABLE = "HILUM_CONFIG"


def write_settings(pipe: BinaryIO, settings: Settings) -> None:
    """Tell a role its settings; a role that has died is not told."""
    try:
        pipe.write(settings.model_dump_json(by_alias=True).encode() + b"\n")
        pipe.flush()
    except (BrokenPipeError, OSError):
        return


class SettingsFeed:
    """The role's end: SIGTERM, SIGINT and the end of input ask to stop; SIGHUP is the supervisor's affair."""

    def __init__(self, descriptor: int) -> None:
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._latest: Settings | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._lines = _lines(descriptor)
        first = next(self._lines, None)
        if first is None:
            raise SystemExit(0)  # the supervisor was gone before it said anything
        self.settings = Settings.model_validate_json(first)
        threading.Thread(target=self._listen, name="feed", daemon=True).start()

    def follow(self, on_change: Callable[[Settings], None]) -> None:
        """Call `on_change` with each new configuration, until asked to stop."""
        while not self._stop.wait(0.2):
            if self._changed.is_set():
                self._changed.clear()
                if self._latest is not None:
                    on_change(self._latest)

    def _listen(self) -> None:
        for line in self._lines:
            self._latest = Settings.model_validate_json(line)
            self._changed.set()
        self._stop.set()


class SettingsInUse:
    """The settings that a role goes by; called, it returns the present ones."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self) -> Settings:
        return self._settings

    def replace(self, settings: Settings) -> None:
        self._settings = settings


def _lines(descriptor: int) -> Iterator[bytes]:
    buffer = b""
    while len(buffer) < LINE_BYTES_MAX:
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return
        *lines, buffer = (buffer + chunk).split(b"\n")
        yield from lines
