"""What roles say of themselves arrives, grows old, and is never half of anything."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter

from scp_node.telemetry import heartbeat
from scp_node.telemetry.heartbeat import SILENT_MAX_S, Heartbeat, RoleStatus, forget_status, read_statuses, write_status


def only(folder: Path, now: float | None = None) -> RoleStatus:
    (status,) = read_statuses(folder, time.monotonic() if now is None else now)
    return status


def test_a_role_is_starting_then_ready_then_stopping_then_ended(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    counter = Counter("hilum_things_total", "Things.", registry=registry)
    with Heartbeat(tmp_path, "worker", registry) as voice:
        assert only(tmp_path).obstacles == ("is starting",)
        counter.inc(3)
        voice.ready_unless(lambda: [])
        assert only(tmp_path).obstacles == ()
        assert "hilum_things_total 3.0" in only(tmp_path).metrics
        voice.stopping()
        assert only(tmp_path).obstacles == ("is stopping",)
    assert only(tmp_path).obstacles == ("has ended",)


def test_what_stands_in_the_way_is_looked_at_with_every_beat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "HEARTBEAT_S", 0.01)
    disk_full, seen = threading.Event(), threading.Event()

    def obstacles() -> list[str]:
        if disk_full.is_set():
            seen.set()
        return ["disk full"] if disk_full.is_set() else []

    with Heartbeat(tmp_path, "receiver", CollectorRegistry()) as voice:
        voice.ready_unless(obstacles)
        assert only(tmp_path).obstacles == ()
        disk_full.set()
        assert seen.wait(10)
        voice.ready_unless(obstacles)
        assert only(tmp_path).obstacles == ("disk full",)


def test_a_role_that_falls_silent_is_not_ready_and_has_no_numbers(tmp_path: Path) -> None:
    write_status(tmp_path, RoleStatus("worker", (), 100.0, "hilum_things_total 3\n"))
    assert only(tmp_path, 100.0 + SILENT_MAX_S).obstacles == ()
    late = only(tmp_path, 100.1 + SILENT_MAX_S)
    assert late.obstacles == (f"no sign of life for {SILENT_MAX_S:.0f} s",)
    assert late.metrics == ""


def test_what_was_said_before_the_machine_started_does_not_count(tmp_path: Path) -> None:
    write_status(tmp_path, RoleStatus("worker", (), 100_000.0))
    assert only(tmp_path, 20.0).obstacles == ("no sign of life",)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"said_at": "x"}', json.dumps({"said_at": 1, "obstacles": None})])
def test_a_status_that_cannot_be_read_is_not_ready(tmp_path: Path, content: str) -> None:
    (tmp_path / "worker.json").write_text(content)
    assert only(tmp_path).obstacles == ("its status cannot be read",)


def test_a_status_that_is_too_long_is_not_read_whole(tmp_path: Path) -> None:
    write_status(tmp_path, RoleStatus("worker", (), time.monotonic(), "x" * heartbeat.STATUS_BYTES_MAX))
    assert only(tmp_path).obstacles == ("its status cannot be read",)


def test_a_role_that_was_stopped_is_forgotten(tmp_path: Path) -> None:
    write_status(tmp_path, RoleStatus("worker", (), 1.0))
    (tmp_path / "worker.1-2.part").write_text("a process died here")
    forget_status(tmp_path, "worker")
    assert list(tmp_path.iterdir()) == []
    forget_status(tmp_path, "worker")


def test_a_check_that_fails_leaves_the_thread_alive_and_the_role_silent(tmp_path: Path) -> None:
    with Heartbeat(tmp_path, "worker", CollectorRegistry()) as voice:
        before = only(tmp_path).said_at
        voice.ready_unless(lambda: [str(1 // 0)])
        assert only(tmp_path).said_at == before
        voice.ready_unless(lambda: [])
        assert only(tmp_path).said_at > before
