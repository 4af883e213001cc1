"""Many associations at once: nothing is lost, doubled or mixed up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.engine.jobs import JobQueue
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.ledger import Ledger
from scp_node.receive.scp import StorageScp
from tests.support.dicom.phantoms import make_dx
from tests.support.node.receiving import data_set_bytes, data_set_of, files_below, running_receiver
from tests.support.peers.raw_scu import EXPLICIT_LE, RawPeer

DX = "1.2.840.10008.5.1.4.1.1.1.1"
SENDERS = 8


@pytest.fixture
def receiver(ledger: Ledger, tmp_path: Path) -> Iterator[StorageScp]:
    jobs = JobQueue()
    with running_receiver(tmp_path, ReceivedInstances(ledger, jobs)) as one:
        yield one


def count(ledger: Ledger, table: str) -> int:
    with ledger.reading() as tx:
        return int(tx.connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def at_once(work: Callable[[int], list[int]]) -> list[int]:
    """`work(0)` to `work(7)` in threads that start together; all statuses they saw."""
    barrier = threading.Barrier(SENDERS)

    def one(number: int) -> list[int]:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(SENDERS) as pool:
        return [status for statuses in pool.map(one, range(SENDERS)) for status in statuses]


def sent(receiver: StorageScp, objects: list[tuple[str, bytes]]) -> list[int]:
    with RawPeer(receiver.port, timeout_s=60) as peer:
        peer.associate([(DX, EXPLICIT_LE)])
        statuses = [peer.store(data, DX, uid).status for uid, data in objects]
        peer.release()
        return statuses


def test_eight_associations_store_different_instances(receiver: StorageScp, ledger: Ledger, tmp_path: Path) -> None:
    images = {
        str(ds.SOPInstanceUID): data_set_bytes(ds)
        for ds in (make_dx(rows=200, columns=300, seed=seed, instance=n) for seed in range(SENDERS) for n in range(5))
    }
    shares = [list(images.items())[number::SENDERS] for number in range(SENDERS)]
    assert at_once(lambda number: sent(receiver, shares[number])) == [0x0000] * 40
    files = files_below(tmp_path / "spool")
    assert sorted(data_set_of(path.read_bytes()) for path in files) == sorted(images.values())
    assert count(ledger, "hilum_instance") == count(ledger, "hilum_job") == 40


def test_eight_associations_store_the_same_instance_and_it_is_there_once(
    receiver: StorageScp, ledger: Ledger, tmp_path: Path
) -> None:
    ds = make_dx(rows=300, columns=300)
    objects = [(str(ds.SOPInstanceUID), data_set_bytes(ds))] * 4
    assert at_once(lambda number: sent(receiver, objects)) == [0x0000] * 32
    (file,) = files_below(tmp_path / "spool")
    assert data_set_of(file.read_bytes()) == objects[0][1]
    assert count(ledger, "hilum_instance") == count(ledger, "hilum_job") == 1


def test_eight_contents_under_one_uid_are_eight_versions(receiver: StorageScp, ledger: Ledger, tmp_path: Path) -> None:
    ds = make_dx(rows=300, columns=300)
    data = data_set_bytes(ds)
    contents = [data[:-2] + bytes((number, 0)) for number in range(SENDERS)]
    statuses = at_once(lambda number: sent(receiver, [(str(ds.SOPInstanceUID), contents[number])]))
    assert statuses == [0x0000] * SENDERS
    assert {data_set_of(file.read_bytes()) for file in files_below(tmp_path / "spool")} == set(contents)
    assert count(ledger, "hilum_instance") == 1
    assert count(ledger, "hilum_instance_version") == count(ledger, "hilum_job") == SENDERS
