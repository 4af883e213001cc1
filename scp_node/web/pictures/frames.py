"""What web role and child say to each other, over a pair of sockets: a JSON object, some blobs, perhaps a file."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

_LENGTH = struct.Struct(">I")
HEAD_BYTES_MAX = 4 * 1024**2
BLOBS_MAX = 64
FRAME_BYTES_MAX = 1024**3
_CLOSED_IN_CHILDREN = getattr(socket, "MSG_CMSG_CLOEXEC", 0)

Frame = tuple[dict[str, Any], list[bytes]]


class FrameBroken(Exception):
    """The other side has gone, or says what is no frame."""


def send_frame(
    connection: socket.socket, head: dict[str, Any], blobs: Sequence[bytes] = (), descriptor: int | None = None
) -> None:
    """`descriptor` is that of a file that the other side gets open. Raises OSError, and TimeoutError when nobody takes
    it."""
    text = json.dumps({"head": head, "blobs": [len(blob) for blob in blobs]}).encode()
    announced = _LENGTH.pack(len(text)) + text
    sent = 0 if descriptor is None else socket.send_fds(connection, [announced[: _LENGTH.size]], [descriptor])
    connection.sendall(announced[sent:])
    for blob in blobs:
        connection.sendall(blob)


def receive_frame(connection: socket.socket) -> Frame:
    """Raises FrameBroken, OSError, and TimeoutError when nothing comes."""
    return _behind(connection, _exactly(connection, _LENGTH.size))


def receive_with_file(connection: socket.socket) -> tuple[Frame, int | None]:
    """A frame, and the descriptor that came with it, which the caller closes. Raises as `receive_frame` does."""
    begin, descriptors, _, _ = socket.recv_fds(connection, _LENGTH.size, 1, _CLOSED_IN_CHILDREN)
    try:
        if not begin:
            raise FrameBroken("the other side has gone")
        frame = _behind(connection, begin + _exactly(connection, _LENGTH.size - len(begin)))
    except BaseException:
        for one in descriptors:
            os.close(one)
        raise
    return frame, descriptors[0] if descriptors else None


def _behind(connection: socket.socket, length: bytes | bytearray) -> Frame:
    (size,) = _LENGTH.unpack(length)
    if size > HEAD_BYTES_MAX:
        raise FrameBroken(f"a head of {size} bytes")
    try:
        said = json.loads(_exactly(connection, size))
        head, sizes = said["head"], [int(one) for one in said["blobs"]]
    except (ValueError, KeyError, TypeError) as error:
        raise FrameBroken("a head that is none") from error
    if (
        not isinstance(head, dict)
        or len(sizes) > BLOBS_MAX
        or min(sizes, default=0) < 0
        or sum(sizes) > FRAME_BYTES_MAX
    ):
        raise FrameBroken("a head that announces too much")
    return head, [bytes(_exactly(connection, one)) for one in sizes]


def _exactly(connection: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view, done = memoryview(data), 0
    while done < size:
        count = connection.recv_into(view[done:])
        if not count:
            raise FrameBroken("the other side has gone")
        done += count
    return data
