"""Hosts sign in the ledger by one clock; who was replaced or is long gone is forgotten, and nobody else."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from scp_node.ledger import Ledger
from scp_node.ledger import watch_tables as w
from scp_node.ledger.hosts import FORGOTTEN_AFTER


def enter(ledger: Ledger, name: str, host_id: str, role: str = "worker", silent_for: timedelta | None = None) -> None:
    with ledger.transaction() as tx:
        tx.hosts.enter(name, role, host_id, "1.0.0")
        if silent_for is not None:
            mine = (w.host.c.name == name, w.host.c.role == role)
            tx.connection.execute(sa.update(w.host).where(*mine).values(signed_at=tx.hosts.moment() - silent_for))


def names(ledger: Ledger) -> list[tuple[str, str]]:
    with ledger.reading() as tx:
        return [(one.name, one.role) for one in tx.hosts.all()]


def test_a_role_signs_until_it_leaves(ledger: Ledger) -> None:
    enter(ledger, "a-1", "a")
    enter(ledger, "a-1", "a", "receiver")
    with ledger.reading() as tx:
        before, _ = tx.hosts.all()[1], tx.hosts.all()[0]
        assert (before.host_id, before.role, before.version) == ("a", "worker", "1.0.0")
        assert before.started_at == before.signed_at <= tx.hosts.moment()
    with ledger.transaction() as tx:
        assert tx.hosts.sign("a-1", "worker")
    with ledger.reading() as tx:
        after = tx.hosts.all()[1]
        assert after.started_at == before.started_at and after.signed_at > before.signed_at
    with ledger.transaction() as tx:
        tx.hosts.leave("a-1", "worker")
        assert not tx.hosts.sign("a-1", "worker"), "it has to enter again"
    assert names(ledger) == [("a-1", "receiver")]


def test_a_process_that_starts_again_has_one_row(ledger: Ledger) -> None:
    for _ in range(2):
        enter(ledger, "a-1", "a")
    assert names(ledger) == [("a-1", "worker")]


def test_silent_rows_are_forgotten_where_they_were_replaced_or_are_long_gone(ledger: Ledger) -> None:
    minute = timedelta(minutes=1)
    enter(ledger, "a-before-restart", "a", silent_for=2 * minute)
    enter(ledger, "a-clone", "a", silent_for=minute / 2)
    enter(ledger, "a-before-restart", "a", "receiver", silent_for=2 * minute)
    enter(ledger, "b-1", "b", silent_for=2 * minute)
    enter(ledger, "c-1", "c", silent_for=FORGOTTEN_AFTER + minute)
    enter(ledger, "a-now", "a")
    with ledger.transaction() as tx:
        tx.hosts.forget("a", "worker", "a-now", silent_s=60)
    kept = [("a-before-restart", "receiver"), ("a-clone", "worker"), ("a-now", "worker"), ("b-1", "worker")]
    assert sorted(names(ledger)) == kept
