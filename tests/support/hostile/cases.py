"""A case: its name, the bytes that are sent, and the answer that they get.

After its answer the association of a case is gone (ABORTED, GONE) or goes on.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gone:
    """The association or connection ends: with A-ABORT or, where `or_closed`, possibly without."""

    or_closed: bool = False


@dataclass(frozen=True)
class Rejected:
    """A-ASSOCIATE-RJ with result, source and reason."""

    result: int
    source: int
    reason: int


@dataclass(frozen=True)
class Accepted:
    """A-ASSOCIATE-AC with this many accepted contexts; the peer then releases."""

    contexts: int


@dataclass(frozen=True)
class Status:
    """A response with this status, and a comment with these words; then the association goes on."""

    code: int
    comment: str = ""


@dataclass(frozen=True)
class Stored:
    """0x0000 to a C-STORE: the instance is kept."""


Answer = Gone | Rejected | Accepted | Status | Stored
ABORTED, GONE = Gone(), Gone(or_closed=True)
SERVED, STORED = Status(0x0000), Stored()


@dataclass(frozen=True)
class Case:
    name: str
    sends: bytes
    answer: Answer
