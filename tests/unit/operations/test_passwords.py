"""What may be a password, how it is kept, and that many who sign in do not take all threads."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher

from scp_node.operations import passwords
from scp_node.operations.passwords import (
    ASKED_AT_ONCE_MAX,
    AT_ONCE_MAX,
    PasswordsBusy,
    hashed,
    is_outdated,
    is_right,
    password_fault,
)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("elevenchars", "short"),
        ("twelve chars", None),
        ("            ", None),
        ("ﬁ" * 6, None),
        ("パスワードは長い文章です", None),
        ("x" * 1024, None),
        ("x" * 1025, "long"),
        ("Anna.Miller.Basel", "name"),
        ("é" * 12, None),
    ],
)
def test_length_is_what_counts(password: str, fault: str | None) -> None:
    assert password_fault(password, "anna.miller.basel") == fault


def test_a_hash_is_argon2id_with_its_own_salt_and_the_parameters_of_the_rfc() -> None:
    one, other = hashed("correct horse battery"), hashed("correct horse battery")
    assert re.fullmatch(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$\S+", one) and one != other
    assert is_right("correct horse battery", one) and not is_right("correct horse batterx", one)
    assert not is_outdated(one) and len(one) < 256


def test_however_a_keyboard_composes_a_character_it_is_the_same() -> None:
    assert is_right("cafe\u0301 au lait", hashed("caf\u00e9 au lait"))


def test_nobody_and_who_has_no_password_take_the_time_of_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Counting:
        hash = staticmethod(passwords.HASHER.hash)

        def verify(self, password_hash: str, password: str) -> bool:
            asked.append(password_hash)
            return PasswordHasher().verify(password_hash, password)

    monkeypatch.setattr(passwords, "HASHER", Counting())
    assert not is_right("the password of nobody", None)
    assert not is_right("anything", "no hash")
    assert not is_right("x" * 10_000_000, hashed("correct horse battery"))
    assert len(asked) == 3 and asked[0].startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_few_are_hashed_at_once_a_few_wait_and_others_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    working, most, gate = [], [0], threading.Event()

    class Slow:
        def hash(self, password: str) -> str:
            working.append(password)
            most[0] = max(most[0], len(working))
            gate.wait(20)
            working.remove(password)
            return "hash"

    monkeypatch.setattr(passwords, "HASHER", Slow())
    with ThreadPoolExecutor(ASKED_AT_ONCE_MAX) as threads:
        waiting = [threads.submit(hashed, f"{number}") for number in range(ASKED_AT_ONCE_MAX)]
        deadline = time.monotonic() + 10
        while len(working) < AT_ONCE_MAX and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(PasswordsBusy):
            hashed("one more")
        gate.set()
        assert [one.result(20) for one in waiting] == ["hash"] * ASKED_AT_ONCE_MAX
    assert most[0] == AT_ONCE_MAX
    assert ASKED_AT_ONCE_MAX < 40, "the threads that answer pages"
    monkeypatch.undo()
    assert hashed("one more").startswith("$argon2id$")
