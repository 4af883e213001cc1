"""The sender of the bench: a bare socket in a process of its own for each association, the same for every peer.

It sets TCP_NODELAY, sends from mapped files with few system calls and knows no DICOM library, so that it costs little
and never waits for itself. It does not acknowledge early (TCP_QUICKACK) unless told to: modalities do not.
"""

from __future__ import annotations

import math
import multiprocessing
import socket
import statistics
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.held_memory import MB, HeldMemory
from tests.bench.loads import Image, uid
from tests.support.peers.raw_scu import ASSOCIATE_AC, COMMAND_LAST, DATA, DATA_LAST, P_DATA, RawPeer, pdv, store_command

CALLING_AE_TITLE = "MODALITY"
TIMEOUT_S = 60
PIECES_MAX = 512
_PDU_HEADER = struct.Struct(">BxLLBB")
_IMPLEMENTATION_PDU_BYTES_MAX = 1 << 20


class SenderConnection(RawPeer):
    """One association that stores images; blocking, with the timeouts in the kernel."""

    def __init__(self, port: int, called: str, kinds: Sequence[Image], *, quick_ack: bool = False) -> None:
        super().__init__(port)
        self.socket.settimeout(None)
        timeout = struct.pack("ll", TIMEOUT_S, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        self._quick_ack = quick_ack
        contexts = sorted({(image.sop_class_uid, image.transfer_syntax_uid) for image in kinds})
        pdu_type, body = self.associate(contexts, called=called, calling=CALLING_AE_TITLE)
        if pdu_type != ASSOCIATE_AC:
            raise ConnectionError(f"association answered by PDU type {pdu_type}: {body.hex()}")
        self._contexts = {context: 2 * index + 1 for index, context in enumerate(contexts)}
        refused = set(self._contexts.values()) - set(self.accepted)
        if refused:
            raise ConnectionError(f"{len(refused)} presentation contexts refused")

    def store_image(self, image: Image, number: int) -> int:
        """C-STORE `image` under the UIDs of `number`; the status."""
        self._send_pieces(self._pieces(image, number))
        return self.read_response().status

    def begin_image(self, image: Image, number: int) -> None:
        """Send the first half of an image and nothing more."""
        pieces = list(self._pieces(image, number))
        self._send_pieces(iter(pieces[: len(pieces) // 2]))

    def _pieces(self, image: Image, number: int) -> Iterator[bytes | memoryview]:
        """Command and data set as P-DATA-TF PDUs with one PDV each, as large as the peer takes them."""
        context_id = self._contexts[image.sop_class_uid, image.transfer_syntax_uid]
        command = store_command(image.sop_class_uid, uid("sop", number), number % 65535 + 1)
        fragment = pdv(context_id, COMMAND_LAST, command)
        yield struct.pack(">BxL", P_DATA, len(fragment)) + fragment
        step = (self.pdu_bytes_max or _IMPLEMENTATION_PDU_BYTES_MAX) - 6
        head, rest, start = image.head(number), image.rest, 0
        while start < len(rest):
            end = min(start + step - len(head), len(rest))
            count = len(head) + end - start
            control = DATA_LAST if end == len(rest) else DATA
            yield _PDU_HEADER.pack(P_DATA, count + 6, count + 2, context_id, control) + head
            yield rest[start:end]
            head, start = b"", end

    def _send_pieces(self, pieces: Iterator[bytes | memoryview]) -> None:
        waiting: list[bytes | memoryview] = []
        for piece in pieces:
            waiting.append(piece)
            if len(waiting) == PIECES_MAX:
                self._send_all(waiting)
                waiting = []
        self._send_all(waiting)

    def _send_all(self, pieces: list[bytes | memoryview]) -> None:
        while pieces:
            sent = self.socket.sendmsg(pieces)
            done = 0
            while done < len(pieces) and sent >= len(pieces[done]):
                sent -= len(pieces[done])
                done += 1
            pieces = pieces[done:]
            if sent:
                pieces[0] = memoryview(pieces[0])[sent:]

    def _receive(self, most: int) -> bytes:
        if self._quick_ack:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super()._receive(most)


@dataclass(frozen=True)
class Stream:
    """What is sent in one measurement: `stores` images over each of `associations` at the same time."""

    images: Sequence[Image]
    associations: int = 1
    stores: int = 1
    association_per_image: bool = False
    pause_s: float = 0.0
    quick_ack: bool = False

    @property
    def memory_bytes(self) -> int:
        """What a receiver may need to keep all of it: as files that are not yet on the disk, and in its own memory."""
        largest = max(image.bytes for image in self.images)
        return 2 * self.associations * self.stores * largest + 256 * MB


@dataclass
class Sent:
    """How it went, as the sender saw it. Failed stores are counted, and make a measurement void."""

    wall_s: float = 0.0
    bytes: int = 0
    store_s: list[float] = field(default_factory=list)
    setup_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    cpu_s: float = 0.0

    def figures(self) -> dict[str, Any]:
        """Rates and latencies, as they go into a record."""
        return {
            "stores": len(self.store_s),
            "bytes": self.bytes,
            "mb_per_s": self.bytes / 1e6 / self.wall_s,
            "stores_per_s": len(self.store_s) / self.wall_s,
            "p50_ms": 1000 * percentile(self.store_s, 0.5),
            "p99_ms": 1000 * percentile(self.store_s, 0.99),
            "setup_ms": 1000 * statistics.median(self.setup_s),
            "sender_cpu_s": self.cpu_s,
        }


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of `values` do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def send(port: int, called: str, stream: Stream, first_number: int) -> Sent:
    """Send, and wait for the end. Uses the numbers from `first_number` on, one an image."""
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(stream.associations + 1), context.SimpleQueue()
    processes = []
    for index in range(stream.associations):
        start = first_number + index * stream.stores
        processes.append(context.Process(target=_run, args=(port, called, stream, start, barrier, results)))
        processes[-1].start()
    memory = HeldMemory(stream.memory_bytes)
    memory.release()
    barrier.wait()
    parts = [results.get() for _ in processes]
    for process in processes:
        process.join()
    whole = Sent(wall_s=max(end for _, end, _ in parts) - min(start for start, _, _ in parts))
    for _, _, part in parts:
        whole.bytes += part.bytes
        whole.cpu_s += part.cpu_s
        whole.store_s += part.store_s
        whole.setup_s += part.setup_s
        whole.failures += part.failures
    if whole.failures:
        raise RuntimeError(f"{len(whole.failures)} failures, first: {whole.failures[0]}")
    return whole


def _run(port: int, called: str, stream: Stream, first_number: int, barrier: Any, results: Any) -> None:
    sent = Sent()
    barrier.wait()
    began, cpu_began = time.perf_counter(), time.process_time()
    try:
        _send(port, called, stream, first_number, sent)
    except (OSError, ValueError, AssertionError, struct.error) as error:
        sent.failures.append(repr(error))
    sent.cpu_s = time.process_time() - cpu_began
    results.put((began, time.perf_counter(), sent))


def _send(port: int, called: str, stream: Stream, first_number: int, sent: Sent) -> None:
    connection: SenderConnection | None = None
    for number in range(first_number, first_number + stream.stores):
        if connection is None:
            began = time.perf_counter()
            connection = SenderConnection(port, called, stream.images, quick_ack=stream.quick_ack)
            sent.setup_s.append(time.perf_counter() - began)
        image = stream.images[number % len(stream.images)]
        began = time.perf_counter()
        status = connection.store_image(image, number)
        sent.store_s.append(time.perf_counter() - began)
        sent.bytes += image.bytes
        if status != 0x0000:
            sent.failures.append(f"status 0x{status:04X}")
        if stream.association_per_image:
            connection.release()
            connection.socket.close()
            connection = None
        if stream.pause_s:
            time.sleep(stream.pause_s)
    if connection is not None:
        connection.release()
        connection.socket.close()
