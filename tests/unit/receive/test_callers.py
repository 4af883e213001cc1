"""Callers are remembered within bounds, and written down however often the ledger fails first."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from scp_node.dimse.command_set import C_ECHO_RQ, C_STORE_RQ
from scp_node.dimse.requests import SUCCESS, Answer, Command
from scp_node.intake.store import Requestor
from scp_node.ledger.callers import CallerRecord
from scp_node.receive.callers import CALLERS_MAX, OTHERS, CallerBook
from scp_node.receive.summary import AssociationSummary, Ending


def ended(
    *answers: tuple[int, Answer],
    title: str = "MODALITY",
    outcome: str = "released",
    contexts: tuple[str, ...] | None = (),
    level: int = logging.WARNING,
) -> Ending:
    """An association with these answered messages; `contexts` None is none at all."""
    summary = AssociationSummary()
    if contexts is not None:
        summary.associated(contexts)
    for field, answer in answers:
        summary.answered(Command(field, 1, False, "1.2", "1.2.3"), answer, 100)
    if outcome:
        summary.ends(outcome, level)
    return summary.ending(Requestor("", title, "HILUM"), "10.0.0.1", "")


class Book:
    def __init__(self) -> None:
        self.failures = 0
        self.entered: list[CallerRecord] = []

    def enter(self, records: Sequence[CallerRecord]) -> None:
        if self.failures:
            self.failures -= 1
            raise TimeoutError("the ledger is busy")
        self.entered += records


@pytest.fixture
def book() -> Book:
    return Book()


def test_one_record_tells_what_a_caller_did(book: Book) -> None:
    callers = CallerBook(book.enter)
    callers.ended(ended((C_STORE_RQ, SUCCESS), (C_STORE_RQ, Answer(0xA700, "disk full")), (C_ECHO_RQ, SUCCESS)))
    callers.ended(ended(contexts=("CT: abstract syntax not supported",)))
    callers.ended(ended(outcome="rejected 1/1/3: unknown", contexts=None))
    callers.ended(ended(outcome="rejected 1/1/3: unknown", contexts=None))
    callers.write()
    (one,) = book.entered
    assert one.key == ("MODALITY", "HILUM", "10.0.0.1")
    assert (one.associations, one.silent, one.stored, one.refused) == (2, 1, 1, 1)
    assert one.last_refusal == "0xA700 disk full"
    assert {reason: tally.times for reason, tally in one.rejections.items()} == {"rejected 1/1/3: unknown": 2}
    assert list(one.contexts) == ["CT: abstract syntax not supported"]
    assert one.first_seen_at <= one.last_seen_at
    callers.write()
    assert len(book.entered) == 1, "nothing is entered twice"


def test_a_busy_ledger_only_delays(book: Book, caplog: pytest.LogCaptureFixture) -> None:
    callers, book.failures = CallerBook(book.enter), 3
    for _ in range(4):
        callers.ended(ended())
        callers.write()
    assert [one.associations for one in book.entered] == [4]
    assert caplog.messages.count("callers not entered, tried again") == 1


def test_thousands_of_titles_are_counted_together(book: Book) -> None:
    callers = CallerBook(book.enter)
    for number in range(5000):
        callers.ended(ended(title=f"\x1b[31m{number}", outcome="rejected", contexts=None))
    callers.write()
    assert len(book.entered) == CALLERS_MAX + 1
    others = book.entered[-1]
    assert others.key == (OTHERS, "", "") and others.rejections["rejected"].times == 5000 - CALLERS_MAX
    assert all(one.calling_ae_title.isprintable() and len(one.calling_ae_title) <= 64 for one in book.entered)


def test_who_only_looks_whether_the_port_is_open_is_not_remembered(book: Book) -> None:
    callers = CallerBook(book.enter)
    callers.ended(ended(outcome="", contexts=None))
    callers.ended(ended(outcome="no TLS connection: it left", contexts=None, level=logging.DEBUG))
    callers.write()
    assert book.entered == []


def test_the_last_ones_are_written_at_the_end(book: Book) -> None:
    callers = CallerBook(book.enter)
    callers.start()
    callers.ended(ended())
    callers.stop()
    assert len(book.entered) == 1
