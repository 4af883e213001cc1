"""When a node is ready, what the database watch sees, and that the port answers what it should and nothing else."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.errors import ConfigurationError
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.settings import Web
from scp_node.telemetry.heartbeat import RoleStatus, write_status
from scp_node.web.application import build_app
from scp_node.web.database_watch import SILENT_MAX_S, DatabaseWatch
from scp_node.web.health import readiness
from scp_node.web.server import WebServer
from tests.support.peers.ports import free_port
from tests.support.web.contexts import web_context

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def port(tmp_path: Path, ledger: Ledger) -> Iterator[int]:
    watch = DatabaseWatch(ledger)
    watch.look()
    app = build_app(web_context(tmp_path, ledger, watch), lambda: ["takes plaintext"])
    server = WebServer(Web(port=free_port()), app)
    server.start()
    yield server.port
    server.stop()
    assert not server.is_running


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with OPENER.open(f"http://127.0.0.1:{port}{path}", timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def say(tmp_path: Path, role: str, *obstacles: str, metrics: str = "") -> None:
    write_status(tmp_path / "status", RoleStatus(role, obstacles, time.monotonic(), metrics))


def test_a_node_is_ready_when_nothing_stands_in_the_way_of_any_role_or_of_the_database() -> None:
    receiver, worker = RoleStatus("receiver", (), 0.0), RoleStatus("worker", (), 0.0)
    assert readiness([receiver, worker], []) == {
        "ready": True,
        "reasons": [],
        "warnings": [],
        "roles": {"receiver": True, "worker": True},
    }
    assert readiness([receiver, RoleStatus("worker", ("is starting",), 0.0)], ["no answer for 9 s"]) == {
        "ready": False,
        "reasons": ["worker is starting", "database no answer for 9 s"],
        "warnings": [],
        "roles": {"receiver": True, "worker": False},
    }


def test_what_else_keeps_it_from_its_work_stands_beside_that() -> None:
    said = readiness([], ["is away"], ["takes plaintext"], ["tls.certificate has expired"])
    assert (said["ready"], said["reasons"]) == (False, ["database is away", "tls.certificate has expired"])
    assert said["warnings"] == ["takes plaintext"]


def test_readyz_is_200_or_503_with_the_reasons(tmp_path: Path, port: int) -> None:
    say(tmp_path, "receiver")
    say(tmp_path, "worker")
    status, body = get(port, "/readyz")
    assert (status, json.loads(body)["warnings"]) == (200, ["takes plaintext"])
    say(tmp_path, "receiver", "takes no images: disk 99 % used, limit 85 %")
    status, body = get(port, "/readyz")
    assert status == 503
    assert json.loads(body)["reasons"] == ["receiver takes no images: disk 99 % used, limit 85 %"]
    assert get(port, "/healthz") == (200, "ok\n")


def test_metrics_holds_what_the_roles_and_the_ledger_count(tmp_path: Path, port: int) -> None:
    say(tmp_path, "receiver", metrics="hilum_instances_stored_total 7.0\n")
    say(tmp_path, "worker", "is starting", metrics="hilum_things_total 1.0\n")
    status, body = get(port, "/metrics")
    assert status == 200
    lines = body.splitlines()
    assert {
        "hilum_instances_stored_total 7.0",
        "hilum_things_total 1.0",
        'hilum_role_ready{role="receiver"} 1.0',
        'hilum_role_ready{role="worker"} 0.0',
        'hilum_jobs{kind="image",state="dead"} 0.0',
        'hilum_deliveries{state="failed"} 0.0',
    } <= set(lines)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/readyz/x", "/../etc/passwd"])
def test_there_is_nothing_else(port: int, path: str) -> None:
    assert get(port, path)[0] == 404


def test_a_database_that_cannot_be_read_is_a_reason_and_its_numbers_vanish(tmp_path: Path, ledger: Ledger) -> None:
    watch = DatabaseWatch(ledger)
    assert watch.obstacles(time.monotonic()) == ["was not asked yet"]
    watch.look()
    assert watch.obstacles(time.monotonic()) == []
    assert watch.obstacles(time.monotonic() + SILENT_MAX_S + 1) != []
    with ledger.engine.begin() as tx:
        tx.execute(sa.text("ALTER TABLE hilum_job RENAME TO hilum_gone"))
    watch.look()
    assert watch.obstacles(time.monotonic()) == ["cannot be read: OperationalError"]


def test_a_database_that_is_not_there_is_a_reason(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'nowhere' / 'ledger.db'}")
    watch = DatabaseWatch(Ledger(engine))
    watch.look()
    assert watch.obstacles(time.monotonic()) == ["cannot be read: OperationalError"]
    engine.dispose()


def test_a_port_that_is_taken_is_a_mistake_of_the_configuration(tmp_path: Path, ledger: Ledger) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{taken}: .*change web\.port"):
            WebServer(Web(port=taken), build_app(web_context(tmp_path, ledger), list))
