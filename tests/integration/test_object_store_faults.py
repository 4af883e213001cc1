"""The object store fails, or the network to it: the sender is told, keeps the object, and sends it again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.engine.jobs import JobQueue
from scp_node.errors import OutOfResources
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.storage.blobs import Blobs
from tests.support.crash.load import DX, Instances
from tests.support.ledger.ledgers import new_ledger
from tests.support.node.receiving import files_below, running_receiver
from tests.support.peers.faulty_proxy import Fault, FaultyProxy
from tests.support.peers.moto import Moto, object_blobs
from tests.support.peers.program import running
from tests.support.peers.raw_scu import EXPLICIT_LE, RawPeer
from tests.support.waiting import until

FAULTS: tuple[Fault, ...] = ("503", "delay", "cut", "cut-answer", "refuse")
ANSWERED_WITHIN_S = 10.0
MADE = Instances(rows=256, columns=256)


@pytest.fixture
def proxy(moto: Moto) -> Iterator[FaultyProxy]:
    with running(FaultyProxy(moto.port)) as one:
        yield one


@pytest.fixture
def blobs(proxy: FaultyProxy, tmp_path: Path) -> Blobs:
    return object_blobs(tmp_path / "copies", proxy.port, request_timeout_s=2.0)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = new_ledger(tmp_path)
    yield one
    one.engine.dispose()


@pytest.fixture
def peer(tmp_path: Path, ledger: Ledger, blobs: Blobs) -> Iterator[RawPeer]:
    """A sender; its receiver keeps what it takes in the store behind the proxy."""
    instances = ReceivedInstances(ledger, JobQueue(), is_there=blobs.holds)
    with running_receiver(tmp_path, instances, blobs) as receiver, RawPeer(receiver.port, timeout_s=60) as one:
        one.associate([(DX, EXPLICIT_LE)])
        yield one


def known(ledger: Ledger, uid: str) -> bool:
    with ledger.reading() as tx:
        found = tx.connection.execute(sa.select(t.instance).where(t.instance.c.sop_instance_uid == uid))
        return found.one_or_none() is not None


@pytest.mark.parametrize("fault", FAULTS)
def test_the_sender_is_told_nothing_half_stays_and_the_same_object_is_taken_afterwards(
    fault: Fault, proxy: FaultyProxy, moto: Moto, blobs: Blobs, ledger: Ledger, peer: RawPeer, tmp_path: Path
) -> None:
    (before, before_data), (uid, data) = MADE.next(), MADE.next()
    assert peer.store(before_data, DX, before).status == 0x0000
    copies = files_below(blobs.root)
    proxy.fault = fault
    began = time.monotonic()
    response = peer.store(data, DX, uid)
    assert response.status == 0xA700
    assert time.monotonic() - began < ANSWERED_WITHIN_S
    assert not known(ledger, uid)
    assert files_below(blobs.root) == copies
    began = time.monotonic()
    assert peer.store(data, DX, uid).status == 0xA700
    assert time.monotonic() - began < ANSWERED_WITHIN_S
    proxy.fault = ""
    until(lambda: answers(blobs), "the receiver asks the store again")
    assert peer.store(data, DX, uid).status == 0x0000
    with ledger.reading() as tx:
        name = tx.instances.get(uid).spool_name
    other = object_blobs(tmp_path / "of another machine", moto.port)
    assert other.path(name).read_bytes().endswith(data)
    assert peer.store(data, DX, uid).status == 0x0000
    assert known(ledger, before)


def answers(blobs: Blobs) -> bool:
    try:
        blobs.check_room()
    except OutOfResources:
        return False
    return True


def test_while_the_store_fails_the_receiver_says_so_without_asking_it_each_time(
    proxy: FaultyProxy, blobs: Blobs, peer: RawPeer
) -> None:
    uid, data = MADE.next()
    assert blobs.healthy
    proxy.fault = "delay"
    assert peer.store(data, DX, uid).status == 0xA700
    assert not blobs.healthy
    assert "object store" in blobs.unhealthy_reason
    began = time.monotonic()
    assert peer.store(data, DX, uid).status == 0xA700
    assert time.monotonic() - began < 1.0
    proxy.fault = ""
    until(lambda: answers(blobs), "the receiver asks the store again")
    assert blobs.healthy


def test_an_object_that_is_cut_while_it_is_read_is_no_copy(proxy: FaultyProxy, moto: Moto, tmp_path: Path) -> None:
    name = "ab" * 32
    object_blobs(tmp_path / "writer", moto.port).put(name, bytes(3_000_000))
    reader = object_blobs(tmp_path / "reader", proxy.port, request_timeout_s=2.0, pause_s=0.0)
    for fault in FAULTS:
        proxy.fault = fault
        with pytest.raises(OutOfResources):
            reader.path(name)
        assert files_below(reader.root) == []
    proxy.fault = ""
    assert reader.path(name).read_bytes() == bytes(3_000_000)


def test_an_object_that_the_store_has_lost_is_kept_again_when_its_sender_comes_again(
    blobs: Blobs, ledger: Ledger, peer: RawPeer
) -> None:
    uid, data = MADE.next()
    assert peer.store(data, DX, uid).status == 0x0000
    with ledger.reading() as tx:
        name = tx.instances.get(uid).spool_name
    blobs.unlink([name])
    assert not blobs.holds(name)
    assert peer.store(data, DX, uid).status == 0x0000
    assert blobs.holds(name)
