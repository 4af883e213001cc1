"""Passwords: which may be chosen (NIST SP 800-63B-4 3.1.1), and how they are kept: as argon2id (RFC 9106).

A hash takes 64 MiB and a tenth of a second. A few are made at once and a few more wait, whoever asks, so that many who
sign in at once take neither the memory nor the threads of the process.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from scp_node.errors import HilumError

CHARACTERS_MIN, CHARACTERS_MAX = 12, 1024
AT_ONCE_MAX, ASKED_AT_ONCE_MAX = 2, 8
PasswordFault = Literal["short", "long", "name"]
HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_asked, _working = threading.Semaphore(ASKED_AT_ONCE_MAX), threading.Semaphore(AT_ONCE_MAX)


class PasswordsBusy(HilumError):
    """Too many people sign in at this moment."""

    code = "passwords-busy"
    retry = True


def password_fault(password: str, name: str) -> PasswordFault | None:
    """Why a password may not be chosen; None when it may. There is no rule of composition: length is what counts."""
    text = _normal(password)
    if len(text) < CHARACTERS_MIN:
        return "short"
    if len(text) > CHARACTERS_MAX:
        return "long"
    return "name" if text.casefold() == name.casefold() else None


def hashed(password: str) -> str:
    """Raises PasswordsBusy."""
    with _place():
        return HASHER.hash(_normal(password))


def is_right(password: str, password_hash: str | None) -> bool:
    """Takes as long for somebody who has no password, or does not exist. Raises PasswordsBusy."""
    text = _normal(password[: CHARACTERS_MAX + 1])
    with _place():
        try:
            return HASHER.verify(password_hash or _nobodys(), text) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than passwords are hashed with now."""
    return HASHER.check_needs_rehash(password_hash)


def _normal(password: str) -> str:
    """The same characters, however a keyboard or a system composes them."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    return HASHER.hash("the password of nobody")


@contextmanager
def _place() -> Iterator[None]:
    if not _asked.acquire(blocking=False):
        raise PasswordsBusy("too many people sign in at this moment: try again in a few seconds")
    try:
        with _working:
            yield
    finally:
        _asked.release()
