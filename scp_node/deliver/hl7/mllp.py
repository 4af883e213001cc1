"""MLLP: a message between a start block and an end block (HL7 v2 Transport Specification: MLLP release 1, 2.2)."""

from __future__ import annotations

import time

from scp_node.deliver.connection import OutgoingConnection
from scp_node.deliver.outcomes import PeerFault

START, END = b"\x0b", b"\x1c\x0d"
CHUNK_BYTES_MAX = 65536


def framed(message: bytes) -> bytes:
    return START + message + END


def read_block(connection: OutgoingConnection, timeout_s: float, bytes_max: int) -> bytes:
    """The content of the next block. Raises PeerFault: within `timeout_s` it has to be whole."""
    deadline = time.monotonic() + timeout_s
    block = bytearray()
    while True:
        block += connection.read_some(CHUNK_BYTES_MAX, deadline, "response-timeout")
        if not block.startswith(START):
            raise PeerFault("not-hl7", "no start of a block")
        end = block.find(END[:1])  # some leave out the carriage return behind it
        if end >= 0:
            return bytes(block[1:end])
        if len(block) > bytes_max:
            raise PeerFault("answer-too-large")
