"""The database of a node hangs: connections stay open and nothing answers. Senders are told so, and lose nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from scp_node.engine.jobs import JobQueue
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.ledger import Ledger
from scp_node.ledger.commit_watch import CommitWatch
from scp_node.ledger.database import migrate, open_database
from scp_node.settings.postgresql import Postgresql
from tests.support.crash.load import DX, Instances
from tests.support.node.receiving import running_receiver
from tests.support.peers.postgresql import Postgresql as Server
from tests.support.peers.postgresql import start_postgresql
from tests.support.peers.raw_scu import EXPLICIT_LE, RawPeer
from tests.support.waiting import until

SENDERS, ANSWERED_WITHIN_S = 20, 10.0


@pytest.fixture
def server() -> Iterator[Server]:
    """One of its own, because the others of this test run must not hang with it."""
    one = start_postgresql()
    yield one
    one.stop()


@pytest.fixture
def ledger(server: Server) -> Iterator[Ledger]:
    engine = open_database(server.url(), Postgresql().limits("receiver"))
    migrate(engine)
    yield Ledger(engine)
    engine.dispose()


def test_senders_are_refused_within_ten_seconds_and_everything_is_taken_when_it_answers(
    tmp_path: Path, server: Server, ledger: Ledger
) -> None:
    made, watch = Instances(rows=64, columns=64), CommitWatch(ledger)
    sent = [made.next() for _ in range(SENDERS)]
    watch.start()
    with running_receiver(tmp_path, ReceivedInstances(ledger, JobQueue())) as receiver, ExitStack() as stack:
        peers = [stack.enter_context(RawPeer(receiver.port, timeout_s=60)) for _ in sent]
        for peer in peers:
            peer.associate([(DX, EXPLICIT_LE)])

        def store(number: int) -> tuple[int, float]:
            uid, data = sent[number]
            began = time.monotonic()
            return peers[number].store(data, DX, uid).status, time.monotonic() - began

        with ThreadPoolExecutor(SENDERS) as senders:
            # half of them hold a connection of the pool already
            assert {status for status, _ in senders.map(store, range(SENDERS // 2))} == {0x0000}
            sent = [made.next() for _ in range(SENDERS)]
            with server.asleep():
                answers = list(senders.map(store, range(SENDERS)))
                until(watch.obstacles, "the node is not ready", timeout_s=20)
            assert {status for status, _ in answers} == {0xA700}
            assert max(seconds for _, seconds in answers) < ANSWERED_WITHIN_S
            until(lambda: not watch.obstacles(), "the node is ready again", timeout_s=20)
            assert {status for status, _ in senders.map(store, range(SENDERS))} == {0x0000}
    watch.stop()
    with ledger.reading() as tx:
        assert all(tx.instances.get(uid).state == "received" for uid, _ in sent)
