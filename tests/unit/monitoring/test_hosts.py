"""What is wrong with the hosts on one ledger is told with what to do, and what is ordinary is not told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from scp_node.ledger import Ledger
from scp_node.ledger import watch_tables as w
from scp_node.monitoring.hosts import faults_of, hosts_of, own_version
from scp_node.settings import Settings
from scp_node.settings.network import SILENT_SIGNS
from scp_node.settings.places import host_id, worker_name
from tests.support.node.receiving import receiving_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return receiving_settings(tmp_path)


def enter(ledger: Ledger, name: str, host: str, role: str = "worker", *, age_s: float = 0.0, **values: Any) -> None:
    with ledger.transaction() as tx:
        tx.hosts.enter(name, role, host, values.get("version", own_version()))
        moment = tx.hosts.moment() - timedelta(seconds=age_s)
        mine = (w.host.c.name == name, w.host.c.role == role)
        tx.connection.execute(sa.update(w.host).where(*mine).values(signed_at=moment))


def told(ledger: Ledger, settings: Settings) -> list[tuple[bool, str]]:
    with ledger.reading() as tx:
        return [(one.is_bad, one.fact) for one in faults_of(hosts_of(tx, settings))]


def test_hosts_at_work_in_one_version_are_all_well(ledger: Ledger, settings: Settings) -> None:
    for host in ("ward", "cellar"):
        for role in ("receiver", "worker"):
            enter(ledger, f"{host}-1", host, role, age_s=settings.node.host_sign_s * (SILENT_SIGNS - 1))
    assert told(ledger, settings) == []
    with ledger.reading() as tx:
        assert [one.sign.host_id for one in hosts_of(tx, settings)] == ["cellar"] * 2 + ["ward"] * 2


def test_a_silent_host_is_told_with_its_roles(ledger: Ledger, settings: Settings) -> None:
    for role in ("receiver", "worker"):
        enter(ledger, "ward-1", "ward", role, age_s=90)
    enter(ledger, "cellar-1", "cellar")
    assert told(ledger, settings) == [(True, "The host ward has been silent for 90 s: receiver, worker.")]


def test_the_roles_of_this_node_say_themselves_how_they_are(ledger: Ledger, settings: Settings) -> None:
    enter(ledger, worker_name(settings), host_id(settings), age_s=900)
    assert told(ledger, settings) == []


def test_another_version_is_told_while_it_lives(ledger: Ledger, settings: Settings) -> None:
    enter(ledger, "ward-1", "ward", version="9.9.9")
    expected = f"The host ward runs version 9.9.9, this one {own_version()}."
    assert told(ledger, settings) == [(False, expected)]
    enter(ledger, "ward-1", "ward", version="9.9.9", age_s=90)
    assert [fact for _, fact in told(ledger, settings)] == ["The host ward has been silent for 90 s: worker."]


def test_clones_with_one_name_are_told(ledger: Ledger, settings: Settings) -> None:
    enter(ledger, "ward-1", "ward")
    enter(ledger, "ward-1", "ward", "receiver")
    assert told(ledger, settings) == []
    enter(ledger, "ward-2", "ward")
    assert told(ledger, settings) == [(False, "Two machines call themselves ward.")]
