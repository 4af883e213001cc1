"""The bounded and confined process that reads headers and decodes pixels: one image at a time, and nothing else loaded.

Started by scp_node.decode.pool as `python -m scp_node.decode.child REPLY_FD MEMORY_BYTES NICENESS SANDBOX`, the last
as in inference.decode_sandbox. Requests come through a socket at standard input, each with its file as a descriptor.
"""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import math
import os
import resource
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel
from pydicom.charset import python_encoding

from converter.declined import Declined
from converter.errors import ConverterError, Unreadable
from converter.image.convert import Converted, convert
from converter.image.decoders import load_decoders
from converter.image.image_file import JPEG_SIGNATURE, PNG_SIGNATURE, read_header
from converter.image.open_file import OpenFile
from converter.package.intended_use import IntendedUse
from converter.package.network import InputSpec
from scp_node.decode.header_message import UID_CHARS_MAX, packed
from scp_node.decode.protocol import (
    LENGTH_BYTES,
    NOTES_MAX,
    REQUEST,
    AnyRequest,
    ConvertedHeader,
    ConvertRequest,
    DeclinedHeader,
    Failed,
    HeaderRequest,
    Identified,
    IdentifyRequest,
    Ready,
    cut,
    frame,
)
from scp_node.decode.sandbox import confine
from scp_node.host.private_process import keep_private
from scp_node.host.processors import step_back

OPEN_FILES_MAX = 32
# What NumPy, Pillow and pydicom import inside functions.
LOADED_EARLY = (
    *("numpy.ma", "numpy.strings", "numpy.char", "numpy.rec", "numpy.fft", "numpy.ma.mrecords", "_strptime", "mmap"),
    *("PIL.TiffImagePlugin", "PIL.MpoImagePlugin", "PIL.ImageFilter", "pydicom.overlays"),
)
Convert = Callable[[OpenFile, InputSpec, IntendedUse | None, int, int, int], Converted | Declined]
Answer = tuple[BaseModel, Sequence[NDArray[np.generic]]]


def main() -> None:
    serve(convert)


def serve(converting: Convert) -> None:
    """Answer one request after the other until the parent closes the socket; end after one that ran out of memory."""
    reply_fd, memory, niceness = (int(argument) for argument in sys.argv[1:4])
    requests = socket.socket(fileno=sys.stdin.fileno())
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt), os.fdopen(reply_fd, "wb", buffering=0) as replies:
        _limit(requests.fileno(), memory, niceness)
        _load_all()
        state = confine()
        if state.missing and sys.argv[4] == "required":
            return
        _send(replies, Ready(in_place=state.in_place, missing=state.missing))
        while received := _receive(requests):
            body, file = received
            request = REQUEST.validate_json(body)
            with file as descriptor, _within(request.cpu_s, requests.fileno()):
                message, arrays = _answer(request, OpenFile(descriptor), converting)
            _send(replies, message, arrays)
            if isinstance(message, Failed) and message.code == "memory":
                return


def _answer(request: AnyRequest, file: OpenFile, converting: Convert) -> Answer:
    try:
        if isinstance(request, IdentifyRequest):
            return Identified(sop_instance_uid=_sop_instance_uid(file)), ()
        if isinstance(request, HeaderRequest):
            return packed(read_header(file)), ()
        return _converted(request, file, converting)
    except ConverterError as error:
        if _out_of_memory(error):
            return Failed(code="memory", reason=""), ()
        return Failed(code="unreadable" if isinstance(error, Unreadable) else "undecodable", reason=cut(str(error))), ()
    except Exception as error:  # noqa: BLE001 - a request ends here; the parent is told what happened
        return Failed(code="memory" if _out_of_memory(error) else "surprise", reason=type(error).__name__), ()


def _converted(request: ConvertRequest, file: OpenFile, converting: Convert) -> Answer:
    limits = (request.preview_side_max, request.pixels_max, request.inflated_bytes_max)
    outcome = converting(file, request.spec, request.use, *limits)
    if isinstance(outcome, Declined):
        return DeclinedHeader(code=outcome.code, reason=cut(outcome.reason)), ()
    rows, columns = outcome.preview.shape
    header = ConvertedHeader(
        preview_shape=(rows, columns),
        source_shape=outcome.source_shape,
        notes=tuple(cut(note) for note in outcome.notes[:NOTES_MAX]),
        stored=outcome.stored,
    )
    return header, (outcome.model_input, outcome.preview, outcome.preview_to_source)


def _sop_instance_uid(file: OpenFile) -> str | None:
    with file.open() as opened:
        if opened.read(8).startswith((PNG_SIGNATURE, JPEG_SIGNATURE)):
            return None
    uid = str(read_header(file).get("SOPInstanceUID") or "")
    return uid if 0 < len(uid) <= UID_CHARS_MAX else None


def _load_all() -> None:
    """Load what is otherwise loaded when it is first needed."""
    load_decoders()
    for encoding in set(python_encoding.values()):
        codecs.lookup(encoding)
    for module in LOADED_EARLY:
        import_module(module)
    Image.preinit()


def _limit(request_fd: int, memory: int, niceness: int) -> None:
    """Limits that hold from now on. What codecs print may quote the file, so that it goes nowhere."""
    keep_private()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        fcntl.fcntl(request_fd, fcntl.F_SETOWN, os.getpid())  # not allowed later, see _within
    step_back(niceness)
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")
    for limit, value in (
        (resource.RLIMIT_AS, memory),
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
    nothing while it waits: all that can happen to the socket is that its other end goes away.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(time.process_time() + cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
    flags = fcntl.fcntl(request_fd, fcntl.F_GETFL)
    if sys.platform == "linux":
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


def _receive(requests: socket.socket) -> tuple[bytes, _Descriptor] | None:
    """The next request and its file; None when the parent is gone."""
    length, descriptors, _, _ = socket.recv_fds(requests, LENGTH_BYTES, 1, socket.MSG_WAITALL)
    if len(length) < LENGTH_BYTES or not descriptors:
        return None
    body, left = b"", int.from_bytes(length, "big")
    while left and (part := requests.recvmsg(left)[0]):
        body, left = body + part, left - len(part)
    return None if left else (body, _Descriptor(descriptors[0]))


class _Descriptor:
    """Open for as long as the block runs."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> int:
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _send(replies: BinaryIO, message: BaseModel, arrays: Sequence[NDArray[np.generic]] = ()) -> None:
    for part in frame(message, arrays):
        while part:
            part = part[replies.write(part) :]


if __name__ == "__main__":
    main()
