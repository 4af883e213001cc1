"""`hilum doctor` tells which hosts work on the ledger, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

from scp_node.checks.hosts import hosts
from scp_node.checks.result import CheckedNode
from scp_node.monitoring.hosts import own_version
from tests.support.ledger.ledgers import new_ledger
from tests.support.node.receiving import receiving_settings


def test_a_node_that_never_ran_has_no_hosts(tmp_path: Path) -> None:
    found = list(hosts(CheckedNode(receiving_settings(tmp_path / "new"))))
    assert [(one.state, one.fact) for one in found] == [("ok", "nothing has run yet")]
    found = list(hosts(CheckedNode(receiving_settings(tmp_path))))
    assert [(one.state, one.fact) for one in found] == [("ok", "not known: the ledger cannot be read")]


def test_hosts_at_work_are_named_and_another_version_is_told(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    with ledger.transaction() as tx:
        tx.hosts.enter("ward-1", "worker", "ward", own_version())
        tx.hosts.enter("cellar-1", "worker", "cellar", "9.9.9")
    found = list(hosts(CheckedNode(receiving_settings(tmp_path))))
    assert [one.state for one in found] == ["warning", "ok"]
    assert found[0].fact == f"The host cellar runs version 9.9.9, this one {own_version()}." and found[0].remedy
    assert found[1].fact == "2 hosts at work: cellar, ward"
    ledger.engine.dispose()
