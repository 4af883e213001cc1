"""A role is in the ledger while it runs, comes back after trouble with it, and never waits for it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.ledger import Ledger
from scp_node.ledger import watch_tables as w
from scp_node.node.presence import Presence
from scp_node.settings import Settings
from tests.support.node.receiving import receiving_settings
from tests.support.waiting import until


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    document = receiving_settings(tmp_path).model_dump(by_alias=True, exclude_unset=True)
    document["node"] |= {"host_id": "ward", "host_sign_s": 1}
    return Settings.model_validate(document)


def signs(ledger: Ledger) -> list[tuple[str, str]]:
    with ledger.reading() as tx:
        return [(one.host_id, one.role) for one in tx.hosts.all()]


def test_a_role_is_there_from_its_start_to_its_end(ledger: Ledger, settings: Settings) -> None:
    with Presence(ledger, settings, "worker"), Presence(ledger, settings, "receiver"):
        until(lambda: signs(ledger) == [("ward", "receiver"), ("ward", "worker")], "both are there")
    assert signs(ledger) == []


def test_it_signs_again_and_enters_again(ledger: Ledger, settings: Settings) -> None:
    with Presence(ledger, settings, "worker"):
        until(lambda: signs(ledger) == [("ward", "worker")], "it is there")
        with ledger.transaction() as tx:
            (before,) = tx.hosts.all()
        with ledger.reading() as tx:
            until(lambda: [one for one in _all(ledger) if one > before.signed_at] != [], "it has signed again")
        with ledger.transaction() as tx:
            tx.connection.execute(sa.delete(w.host))
        until(lambda: signs(ledger) == [("ward", "worker")], "it has entered again")


def _all(ledger: Ledger) -> list[datetime]:
    with ledger.reading() as tx:
        return [one.signed_at for one in tx.hosts.all()]


def test_a_ledger_that_cannot_be_written_is_told_once_and_tried_again(
    ledger: Ledger, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with ledger.transaction() as tx:
        tx.connection.exec_driver_sql("ALTER TABLE hilum_host RENAME TO hidden")
    with Presence(ledger, settings, "worker"):
        time.sleep(2.5)
        with ledger.transaction() as tx:
            tx.connection.exec_driver_sql("ALTER TABLE hidden RENAME TO hilum_host")
        until(lambda: signs(ledger) == [("ward", "worker")], "it is there")
    assert [one.message for one in caplog.records] == ["role cannot say in the ledger that it lives"]


def test_a_role_knows_how_many_hosts_have_it(ledger: Ledger, settings: Settings) -> None:
    with ledger.transaction() as tx:
        for name, role in (("other", "receiver"), ("silent", "receiver"), ("other", "worker")):
            tx.hosts.enter(name, role, name, "0")
        long_ago = tx.hosts.moment() - timedelta(hours=1)
        tx.connection.execute(sa.update(w.host).where(w.host.c.name == "silent").values(signed_at=long_ago))
    with Presence(ledger, settings, "receiver") as presence:
        until(lambda: presence.alive == 2, "it has seen the other one")
        with ledger.transaction() as tx:
            tx.hosts.leave("other", "receiver")
        until(lambda: presence.alive == 1, "the other one has left")
