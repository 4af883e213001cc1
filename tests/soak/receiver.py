"""The receiver over many instances and many peers that come and go: does what it holds stay the same?"""

from __future__ import annotations

import itertools
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress

from tests.soak.flat import Sample, sample
from tests.support.crash.load import DX, Instances, Load
from tests.support.crash.promises import broken_promises
from tests.support.node.node import RunningNode
from tests.support.peers.raw_scu import (
    ABORT,
    COMMAND_LAST,
    DATA,
    EXPLICIT_LE,
    RawPeer,
    p_data,
    pdv,
    store_command,
)

INSTANCES_PER_SAMPLE, PROBES_PER_SAMPLE = 250, 50
# A short run takes them more often: growth is judged by the second half of them.
SAMPLES_MIN = 8
SETTLE_S = 0.3


def soak_instances(node: RunningNode, count: int) -> tuple[list[Sample], int]:
    """Store `count` instances over four associations; samples, and how many were lost."""
    load, pid = Load(node.port, Instances()), node.processes()["receiver"]
    samples, per_sample = [sample(pid, 0)], _per_sample(INSTANCES_PER_SAMPLE, count)
    while len(load.acknowledged) < count:
        with load.running():
            load.wait_for(per_sample, timeout_s=300)
        time.sleep(SETTLE_S)  # associations have ended: what is held now is held for good
        samples.append(sample(pid, len(load.acknowledged)))
    return samples, len(broken_promises(node.data_dir, load.acknowledged))


def soak_probes(node: RunningNode, count: int) -> list[Sample]:
    """Peers that connect and leave, each in one of the ways below, one after the other. Half as many go before: the
    first thousand fill buffers and caches."""
    pid, ways = node.processes()["receiver"], itertools.cycle(WAYS)
    for _ in range(count // 2):
        _probe(node.port, next(ways))
    samples, per_sample = [sample(pid, 0)], _per_sample(PROBES_PER_SAMPLE, count)
    for number in range(1, count + 1):
        _probe(node.port, next(ways))
        if number % per_sample == 0:
            time.sleep(SETTLE_S)
            samples.append(sample(pid, number))
    with RawPeer(node.port) as peer:
        peer.associate()
        assert peer.echo().status == 0x0000
        peer.release()
    return samples


def _per_sample(usual: int, count: int) -> int:
    return max(1, min(usual, count // SAMPLES_MIN))


def _probe(port: int, way: Callable[[RawPeer], None]) -> None:
    with suppress(ConnectionError), RawPeer(port) as peer:
        way(peer)


def _leave(peer: RawPeer) -> None:
    pass


def _reset(peer: RawPeer) -> None:
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _half_a_request(peer: RawPeer) -> None:
    peer.send(b"\x01\x00\x00")


def _http(peer: RawPeer) -> None:
    peer.send(b"GET / HTTP/1.1\r\n\r\n")


def _rejected(peer: RawPeer) -> None:
    peer.associate(calling="NOBODY")


def _echo_and_release(peer: RawPeer) -> None:
    peer.associate()
    peer.echo()
    peer.release()


def _abort(peer: RawPeer) -> None:
    peer.associate()
    peer.send(struct.pack(">BxLL", ABORT, 4, 0))


def _die_within_an_instance(peer: RawPeer) -> None:
    peer.associate([(DX, EXPLICIT_LE)])
    peer.send(p_data(pdv(1, COMMAND_LAST, store_command(DX, "1.2.3"))) + p_data(pdv(1, DATA, bytes(10_000))))


WAYS = (_leave, _reset, _half_a_request, _http, _rejected, _echo_and_release, _abort, _die_within_an_instance)
