"""One decoding child as its parent sees it: started, asked, watched, and never believed."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.image.convert import Converted
from scp_node.decode.header_message import HeaderRead
from scp_node.decode.protocol import (
    HEADER_BYTES_MAX,
    LENGTH_BYTES,
    REPLY,
    REQUEST_BYTES_MAX,
    AnyReply,
    AnyRequest,
    ConvertedHeader,
    ConvertRequest,
    DeclinedHeader,
    Failed,
    HeaderRequest,
    Identified,
    IdentifyRequest,
    Ready,
    frame,
    model_input_shape,
)
from scp_node.decode.sandbox import SandboxState
from scp_node.errors import DecodeCrashed, DecodeOutOfCpu, DecodeTimedOut, OutOfResources
from scp_node.host.processors import ONE_THREAD

START_TIMEOUT_S = 120.0
PIPE_BYTES = 1 << 20
# A child needs none of the secrets that the node's environment may hold.
ENVIRONMENT_KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "PYTHONHOME", "TMPDIR", "VIRTUAL_ENV")

Value = TypeVar("Value", bound=np.generic)
Outcome = Converted | Declined | Identified | HeaderRead | Failed


class DecodeProcess:
    """A child started at once and waited for with its first request; `usable` is False once it has to be replaced.

    It is a new program (no fork of this one): it holds no lock, thread, socket or GPU of its parent. It ends when its
    parent does, however that ends, because the socket it reads from closes.
    """

    def __init__(
        self,
        module: str,
        memory: int,
        niceness: int,
        sandbox: str = "best-effort",
        on_confined: Callable[[SandboxState], None] = lambda _: None,
    ) -> None:
        self._on_confined = on_confined
        self._replies, reply_end = os.pipe()
        self._requests, request_end = socket.socketpair()
        with suppress(OSError, AttributeError):  # Linux, within what the user may have: fewer turns for one preview
            fcntl.fcntl(reply_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)  # it imports what this process imports
        kept = {name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(reply_end), str(memory), str(niceness), sandbox],
                stdin=request_end.fileno(),
                stdout=subprocess.DEVNULL,
                pass_fds=(reply_end,),
                env={**kept, **ONE_THREAD, "PYTHONPATH": paths},
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._replies)
            self._requests.close()
            raise OutOfResources(f"a decoding process cannot be started: {error}") from error
        finally:
            os.close(reply_end)
            request_end.close()
        self._started = False
        self.usable = True

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, request: AnyRequest, descriptor: int, timeout_s: float) -> Outcome:
        """The answer to `request` about the file open as `descriptor`. Raises DecodeFailed when the child did not
        survive it."""
        if not self._started:
            self._wait_until_ready()
        usable, self.usable = self.usable, False
        deadline = time.monotonic() + timeout_s
        self._send(request, descriptor)
        try:
            answer = self._answer(request, deadline)
        except (ValueError, RecursionError) as error:
            raise DecodeCrashed(f"the decoding process broke the protocol ({type(error).__name__})") from error
        self.usable = usable and not (isinstance(answer, Failed) and answer.code == "memory")
        return answer

    def kill(self) -> None:
        """End the child; whoever is asking it learns so."""
        self._process.kill()

    def end(self) -> None:
        """End the child and give back what it held. Only for the thread that asks it, or when none does."""
        self.usable = False
        self._process.kill()
        self._process.wait()
        if self._requests.fileno() >= 0:
            self._requests.close()
            os.close(self._replies)

    def _wait_until_ready(self) -> None:
        try:
            ready = self._read_message(time.monotonic() + START_TIMEOUT_S)
        except (DecodeCrashed, DecodeTimedOut, ValueError) as error:
            self.usable = False
            raise OutOfResources(f"a decoding process does not start: {error}. See its message on stderr.") from error
        if not isinstance(ready, Ready):
            self.usable = False
            raise OutOfResources("a decoding process does not start: it answered before it was asked")
        self._started = True
        self._on_confined(SandboxState(ready.in_place, ready.missing))

    def _send(self, request: AnyRequest, descriptor: int) -> None:
        (message,) = frame(request)
        if len(message) > REQUEST_BYTES_MAX:
            raise ValueError(f"a request of {len(message)} bytes; at most {REQUEST_BYTES_MAX} are allowed")
        try:
            sent = socket.send_fds(self._requests, [message[:LENGTH_BYTES]], [descriptor])
            self._requests.sendall(message[sent:])
        except ConnectionError:
            raise self._lost() from None

    def _answer(self, request: AnyRequest, deadline: float) -> Outcome:
        message = self._read_message(deadline)
        if isinstance(message, Failed) or (isinstance(message, Identified) and isinstance(request, IdentifyRequest)):
            return message
        if isinstance(message, HeaderRead) and isinstance(request, HeaderRequest):
            return message
        if isinstance(message, DeclinedHeader) and isinstance(request, ConvertRequest):
            return Declined(message.code, message.reason)
        if isinstance(message, ConvertedHeader) and isinstance(request, ConvertRequest):
            if max(message.preview_shape) > request.preview_side_max:
                raise ValueError("the preview is larger than asked for")
            return Converted(
                model_input=self._read_array(model_input_shape(request.spec), np.float32, deadline),
                preview=self._read_array(message.preview_shape, np.uint8, deadline),
                preview_to_source=self._read_array((2, 3), np.float64, deadline),
                source_shape=message.source_shape,
                notes=message.notes,
                stored=message.stored,
            )
        raise ValueError(f"unexpected answer '{message.kind}'")

    def _read_message(self, deadline: float) -> AnyReply:
        length = int.from_bytes(self._read_bytes(LENGTH_BYTES, deadline), "big")
        if length > HEADER_BYTES_MAX:
            raise ValueError("the header is too long")
        return REPLY.validate_json(self._read_bytes(length, deadline))

    def _read_bytes(self, count: int, deadline: float) -> bytes:
        return self._read_array((count,), np.uint8, deadline).tobytes()

    def _read_array(self, shape: tuple[int, ...], dtype: type[Value], deadline: float) -> NDArray[Value]:
        array = np.empty(shape, dtype)
        left = array.data.cast("B")
        poll = select.poll()  # select() fails on descriptors above 1023
        poll.register(self._replies, select.POLLIN)
        while left:
            wait_s = deadline - time.monotonic()
            if wait_s <= 0 or not poll.poll(1000 * wait_s):
                self._process.kill()
                raise DecodeTimedOut("decoding took longer than inference.decode_timeout_s allows")
            read = os.readv(self._replies, [left])
            if read == 0:
                raise self._lost()
            left = left[read:]
        return array

    def _lost(self) -> DecodeCrashed | DecodeOutOfCpu:
        """Why the child closed its pipe."""
        try:
            status = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return DecodeCrashed("the decoding process closed its pipe")
        if status == -signal.SIGXCPU:
            return DecodeOutOfCpu("decoding needed more CPU time than inference.decode_cpu_s_max allows")
        how = f"exit code {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"
        return DecodeCrashed(f"the decoding process died ({how})")
