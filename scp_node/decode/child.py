"""The bounded process in which pixels are decoded: one image at a time, and nothing else loaded.

Started by scp_node.decode.pool as `python -m scp_node.decode.child REPLY_FD MEMORY_BYTES NICENESS`.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.errors import ConverterError, Unreadable
from converter.image.convert import Converted, convert
from converter.image.image_file import JPEG_SIGNATURE, PNG_SIGNATURE, read_header
from converter.package.intended_use import IntendedUse
from converter.package.network import InputSpec
from scp_node.decode.protocol import (
    LENGTH_BYTES,
    NOTES_MAX,
    REQUEST,
    UID_CHARS_MAX,
    ChildMessage,
    ConvertedHeader,
    ConvertRequest,
    DeclinedHeader,
    Failed,
    Identified,
    IdentifyRequest,
    Ready,
    cut,
    frame,
)
from scp_node.host.processors import step_back

OPEN_FILES_MAX = 32
Convert = Callable[[Path, InputSpec, IntendedUse | None, int, int, int], Converted | Declined]


def main() -> None:
    serve(convert)


def serve(converting: Convert) -> None:
    """Answer one request after the other until the parent closes the pipe; end after one that ran out of memory."""
    reply_fd, memory, niceness = (int(argument) for argument in sys.argv[1:4])
    requests = sys.stdin.buffer
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt), os.fdopen(reply_fd, "wb", buffering=0) as replies:
        _confine(memory, niceness)
        _send(replies, Ready())
        while body := _receive(requests):
            request = REQUEST.validate_json(body)
            with _within(request.cpu_s, requests.fileno()):
                message, arrays = _answer(request, converting)
            _send(replies, message, arrays)
            if isinstance(message, Failed) and message.code == "memory":
                return


def _answer(
    request: ConvertRequest | IdentifyRequest, converting: Convert
) -> tuple[ChildMessage, Sequence[NDArray[np.generic]]]:
    path = Path(request.path)
    try:
        if isinstance(request, IdentifyRequest):
            return Identified(sop_instance_uid=_sop_instance_uid(path)), ()
        limits = (request.preview_side_max, request.pixels_max, request.inflated_bytes_max)
        outcome = converting(path, request.spec, request.use, *limits)
    except ConverterError as error:
        if _out_of_memory(error):
            return Failed(code="memory", reason=""), ()
        return Failed(code="unreadable" if isinstance(error, Unreadable) else "undecodable", reason=cut(str(error))), ()
    except Exception as error:  # noqa: BLE001 - a request ends here; the parent is told what happened
        return Failed(code="memory" if _out_of_memory(error) else "surprise", reason=type(error).__name__), ()
    if isinstance(outcome, Declined):
        return DeclinedHeader(code=outcome.code, reason=cut(outcome.reason)), ()
    rows, columns = outcome.preview.shape
    header = ConvertedHeader(
        preview_shape=(rows, columns),
        source_shape=outcome.source_shape,
        notes=tuple(cut(note) for note in outcome.notes[:NOTES_MAX]),
    )
    return header, (outcome.model_input, outcome.preview, outcome.preview_to_source)


def _sop_instance_uid(path: Path) -> str | None:
    with path.open("rb") as file:
        if file.read(8).startswith((PNG_SIGNATURE, JPEG_SIGNATURE)):
            return None
    uid = str(read_header(path).get("SOPInstanceUID") or "")
    return uid if 0 < len(uid) <= UID_CHARS_MAX else None


def _confine(memory: int, niceness: int) -> None:
    """Limits that hold from now on. What codecs print may quote the file, so that it goes nowhere."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    step_back(niceness)
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES_MAX),
    ):
        _, hard = resource.getrlimit(limit)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


@contextlib.contextmanager
def _within(cpu_s: float, request_fd: int) -> Iterator[None]:
    """While one image is worked on: die of SIGXCPU after `cpu_s` of CPU time, and of SIGIO when the parent ends.

    The limit of the kernel counts the whole life of a process, so that it is moved for each image. The parent writes
    nothing while it waits: all that can happen to the pipe is that its other end goes away.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(time.process_time() + cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
    flags = fcntl.fcntl(request_fd, fcntl.F_GETFL)
    if sys.platform == "linux":
        fcntl.fcntl(request_fd, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(request_fd, fcntl.F_SETFL, flags | os.O_ASYNC)
    try:
        yield
    finally:
        fcntl.fcntl(request_fd, fcntl.F_SETFL, flags)
        resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def _out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, also below a converter's or OpenCV's own exception."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError) or getattr(cause, "code", None) == cv2.Error.StsNoMem:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _receive(requests: BinaryIO) -> bytes:
    """The next request; empty when the parent is gone."""
    length = requests.read(LENGTH_BYTES)
    return requests.read(int.from_bytes(length, "big")) if len(length) == LENGTH_BYTES else b""


def _send(replies: BinaryIO, message: ChildMessage, arrays: Sequence[NDArray[np.generic]] = ()) -> None:
    for part in frame(message, arrays):
        while part:
            part = part[replies.write(part) :]


if __name__ == "__main__":
    main()
