"""What a running node follows of a changed configuration."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from scp_node.engine.retry import Backoff
from scp_node.node.settings_feed import SettingsFeed, write_settings
from scp_node.node.supervisor import RoleProcess
from scp_node.settings import Settings
from scp_node.settings.reloading import FIXED_SECTIONS, followed


def settings(**sections: Any) -> Settings:
    return Settings.model_validate(
        {
            "node": {"ae_title": "HILUM"},
            "remote_aes": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}},
            "routes": [{"name": "chest", "model": "pneumonia", "to": ["pacs"]}],
            **sections,
        }
    )


def test_routes_are_followed_while_folders_and_database_stay_for_every_role() -> None:
    running = settings()
    new = settings(
        node={"ae_title": "OTHER", "data_dir": Path("/elsewhere")},
        storage={"database_url": "sqlite:////elsewhere/ledger.db"},
        routes=[{"name": "chest", "model": "tuberculosis", "to": ["pacs"]}],
    )
    effective, kept_back = followed(running, new)
    assert kept_back == ["node", "storage"]
    assert all(getattr(effective, name) == getattr(running, name) for name in FIXED_SECTIONS)
    assert effective.routes == new.routes
    assert followed(effective, running) == (running, [])


def test_a_socket_that_stays_open_to_other_machines_keeps_its_tls(tmp_path: Path) -> None:
    certificates = {"profile": "bcp195", "certificate": tmp_path / "node.pem", "ca": tmp_path / "ca.pem"}
    running = settings(node={"ae_title": "HILUM", "bind": "0.0.0.0"}, tls=certificates)
    effective, kept_back = followed(running, settings())
    assert kept_back == ["node", "tls"]
    assert effective.tls == running.tls
    allowed = settings(node={"ae_title": "HILUM", "bind": "0.0.0.0"}, tls={"allow_plaintext": True})
    assert followed(running, allowed) == (allowed, [])


def test_settings_arrive_in_a_role_as_they_were_sent() -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    read_end, write_end = os.pipe()
    sent = settings(inference={"models_dir": Path("/models"), "providers": ["cpu"]}, report={"quiet_period_s": 0})
    try:
        with os.fdopen(write_end, "wb") as pipe:
            write_settings(pipe, sent)
            assert SettingsFeed(read_end).settings == sent
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_a_role_that_keeps_dying_waits_longer_until_one_of_its_processes_lived_for_a_while() -> None:
    role, backoff = RoleProcess("worker"), Backoff(0.2, 2, 1)
    waits = []
    for started_at in (0, 10, 20, 30, 40):
        role.started_at = started_at
        waits.append(role.died(backoff, 60, started_at + 5))
        assert role.restart_at == started_at + 5 + waits[-1]
    assert waits == [0.2, 0.4, 0.8, 1, 1]
    role.started_at = 100
    assert role.died(backoff, 60, 161) == 0.2


def test_a_role_that_cannot_be_started_waits_longer_however_long_its_last_process_lived() -> None:
    role, backoff = RoleProcess("worker", started_at=0), Backoff(0.2, 2, 1)
    assert [role.start_later(backoff, moment) for moment in (1000, 1001, 1002)] == [0.2, 0.4, 0.8]
