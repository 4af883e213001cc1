"""Lost work is found and done by checks that do not disturb each other."""

from __future__ import annotations

import threading

import pytest

from scp_node.engine.reconciler import Reconciler, ReconcilerCheck


def test_a_pass_makes_every_check_and_says_what_was_found(caplog: pytest.LogCaptureFixture) -> None:
    checks = [ReconcilerCheck("lost things are found", lambda: 2), ReconcilerCheck("nothing is lost", lambda: 0)]
    assert Reconciler(checks, 60).reconcile() == 2
    assert [(record.message, vars(record)["found"]) for record in caplog.records] == [("lost things are found", 2)]


def test_a_check_that_fails_keeps_no_other_from_being_made(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> int:
        raise OSError("no database")

    checks = [ReconcilerCheck("never made", fail), ReconcilerCheck("made", lambda: 1)]
    assert Reconciler(checks, 60).reconcile() == 1
    assert caplog.messages == ["reconciling failed", "made"]


def test_a_reconciler_goes_on_after_a_failure_until_it_is_stopped() -> None:
    looked, lock = threading.Semaphore(0), threading.Lock()
    outcomes = iter((0, OSError("once"), 1))

    def look() -> int:
        with lock:
            outcome = next(outcomes, 0)
        looked.release()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    reconciler = Reconciler([ReconcilerCheck("something was lost", look)], 0.01)
    reconciler.start()
    try:
        assert all(looked.acquire(timeout=30) for _ in range(4))
    finally:
        reconciler.stop()
    while looked.acquire(blocking=False):
        pass
    assert not looked.acquire(timeout=0.1)
