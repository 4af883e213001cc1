"""Asks the child processes that make pictures: one request at a time each, with a bounded line and a deadline."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scp_node.errors import OutOfResources, PictureFailed
from scp_node.host.processors import ONE_THREAD
from scp_node.settings import Settings
from scp_node.web.pictures.frames import Frame, FrameBroken, receive_frame, send_frame

log = logging.getLogger(__name__)
CHILD_MODULE = "scp_node.web.pictures.child"
WAITING_MAX = 8
# Uploads wait for each other, as analyses that are run again do, and nobody who looks at a film waits for them.
# The seconds that a turn is waited for: no browser waits for an analysis that is run again, as the last of its line.
LANES = {"films": 60.0, "uploads": 60.0, "checks": 2400.0}
START_S = 60.0
IDLE_S = 600.0


class PictureDesk:
    """One child a lane, started when it is first asked, and ended when it has had nothing to do for IDLE_S. Where other
    settings are in use than it was started with, another one takes its place before the next picture."""

    def __init__(self, settings: Callable[[], Settings], child_module: str = CHILD_MODULE) -> None:
        self._lanes = {name: _Lane(name, wait_s, settings, child_module) for name, wait_s in LANES.items()}

    def ask(
        self,
        lane: str,
        task: str,
        arguments: dict[str, Any],
        blobs: Sequence[bytes] = (),
        timeout_s: float = 60.0,
        descriptor: int | None = None,
    ) -> Frame:
        """What the child answers to a task of scp_node.web.pictures.tasks: a JSON object, and blobs.

        The child gets the file of `descriptor` open, as `descriptor` of its arguments.

        Raises OutOfResources while too many wait, and PictureFailed with the code that the child gave, or `crashed` or
        `timeout`.
        """
        return self._lanes[lane].ask(_Request(task, arguments, blobs, descriptor), timeout_s)

    def tend(self) -> None:
        """End children that have had nothing to do for long. Called from time to time."""
        for lane in self._lanes.values():
            lane.end_if_idle()

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()


@dataclass(frozen=True)
class _Request:
    task: str
    arguments: dict[str, Any]
    blobs: Sequence[bytes]
    descriptor: int | None


class _Lane:
    def __init__(self, name: str, wait_s: float, settings: Callable[[], Settings], child_module: str) -> None:
        self._name, self._wait_s, self._settings, self._child_module = name, wait_s, settings, child_module
        self._given: Settings | None = None
        self._turn, self._places = threading.Lock(), threading.BoundedSemaphore(WAITING_MAX)
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._used_at = time.monotonic()
        self._closed = False

    def ask(self, request: _Request, timeout_s: float) -> Frame:
        if not self._places.acquire(blocking=False):
            raise OutOfResources(f"{WAITING_MAX} requests wait already, try again in a moment")
        try:
            if not self._turn.acquire(timeout=self._wait_s):
                raise OutOfResources(f"nothing was free for {self._wait_s:g} s, try again in a moment")
            try:
                return self._ask(request, timeout_s)
            finally:
                self._used_at = time.monotonic()
                self._turn.release()
        finally:
            self._places.release()

    def end_if_idle(self) -> None:
        is_idle = self._process is not None and time.monotonic() - self._used_at > IDLE_S
        if is_idle and self._turn.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._turn.release()

    def close(self) -> None:
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        with self._turn:
            self._end()

    def _ask(self, request: _Request, timeout_s: float) -> Frame:
        try:
            connection = self._connected()
            connection.settimeout(timeout_s)
            said = {"task": request.task, "arguments": request.arguments}
            send_frame(connection, said, request.blobs, request.descriptor)
            answer, made = receive_frame(connection)
        except TimeoutError as error:
            self._end()
            raise PictureFailed("timeout", f"not made within {timeout_s:g} s") from error
        except (FrameBroken, OSError) as error:
            self._end()
            log.warning("process of pictures lost", extra={"lane": self._name, "reason": str(error)})
            raise PictureFailed("crashed", "the process that makes pictures has died") from error
        if "failed" in answer:
            raise PictureFailed(str(answer["failed"]), str(answer.get("reason", "")))
        return answer, made

    def _connected(self) -> socket.socket:
        if self._closed:
            raise OutOfResources("the node is stopping")
        settings = self._settings()
        if self._process is not None and (self._process.poll() is not None or settings != self._given):
            self._end()
        if self._connection is None:
            self._connection, theirs = socket.socketpair()
            with theirs:
                command = [sys.executable, "-m", self._child_module]
                self._process = subprocess.Popen(command, stdin=theirs.fileno(), env={**ONE_THREAD, **os.environ})
            if self._closed:  # it was not there yet when `close` ended what was
                self._end()
                raise OutOfResources("the node is stopping")
            self._connection.settimeout(START_S)
            self._given = settings
            send_frame(self._connection, {}, [settings.model_dump_json(by_alias=True).encode()])
        return self._connection

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process, self._connection = None, None
