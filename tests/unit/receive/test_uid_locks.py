"""Storing the same instance twice at once happens one after the other; different instances do not wait."""

from __future__ import annotations

import threading

from scp_node.receive.uid_locks import UidLocks


def test_the_same_uid_waits_and_another_does_not() -> None:
    locks = UidLocks()
    entered = threading.Event()

    def same() -> None:
        with locks.of("1.2"):
            entered.set()

    thread = threading.Thread(target=same)
    with locks.of("1.2"):
        with locks.of("1.3"):
            thread.start()
        assert not entered.wait(0.2)
    thread.join(10)
    assert entered.is_set()


def test_no_lock_is_kept_for_a_uid_that_nobody_stores() -> None:
    locks = UidLocks()
    with locks.of("1.2"), locks.of("1.3"):
        assert len(locks._locks) == 2
    assert locks._locks == {}
