"""Each association is a line of the log, and the same trouble of the same peer one line a minute."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from scp_node.intake.store import Requestor
from scp_node.receive.ending_log import AGAIN_AFTER_S, TROUBLES_MAX, EndingLog
from scp_node.receive.summary import AssociationSummary, Ending


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def rejected(title: str = "MODALITY", reason: str = "rejected 1/1/3: unknown", address: str = "10.0.0.1") -> Ending:
    summary = AssociationSummary()
    summary.ends(reason)
    return summary.ending(Requestor("", title, "HILUM"), address, "")


def associated(*refused: str) -> Ending:
    summary = AssociationSummary()
    summary.associated(refused)
    summary.ends("released")
    return summary.ending(Requestor("pacs", "MODALITY", "HILUM"), "10.0.0.1", "")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def endings(clock: Clock, caplog: pytest.LogCaptureFixture) -> EndingLog:
    caplog.set_level(logging.DEBUG)
    return EndingLog(clock)


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, Any]]:
    found = [(one.levelname, one.getMessage(), vars(one).get("associations")) for one in caplog.records]
    caplog.clear()
    return found


def test_a_storm_is_told_at_once_and_then_once_a_minute(
    endings: EndingLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(1500):
        endings.write(rejected())
        endings.tell_again()
    assert lines(caplog) == [("WARNING", "association ended", None)]
    clock.now = AGAIN_AFTER_S
    endings.tell_again()
    assert lines(caplog) == [("WARNING", "associations ended alike", 1499)]
    endings.write(rejected())
    endings.tell_again()
    assert lines(caplog) == []
    endings.tell_again(at_end=True)
    assert lines(caplog) == [("WARNING", "associations ended alike", 1)]


def test_who_was_quiet_for_a_minute_is_told_at_once_again(
    endings: EndingLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        endings.write(rejected())
        clock.now += AGAIN_AFTER_S
        endings.tell_again()
        assert lines(caplog) == [("WARNING", "association ended", None)]


@pytest.mark.parametrize(
    "other",
    [rejected("OTHER"), rejected(reason="rejected 1/1/7: called"), rejected(address="10.0.0.2"), associated("CT: no")],
)
def test_other_titles_addresses_and_reasons_are_told_apart(
    endings: EndingLog, caplog: pytest.LogCaptureFixture, other: Ending
) -> None:
    for ending in (rejected(), other, rejected(), other):
        endings.write(ending)
    assert [message for _, message, _ in lines(caplog)] == ["association ended"] * 2


def test_a_peer_with_many_names_does_not_fill_the_log(
    endings: EndingLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5000):
        endings.write(rejected(f"NAME{number}"))
    assert len(lines(caplog)) == TROUBLES_MAX
    clock.now = AGAIN_AFTER_S
    endings.tell_again()
    assert lines(caplog) == [("WARNING", "associations ended alike", 5000 - TROUBLES_MAX)]


def test_associations_without_trouble_are_each_a_line(endings: EndingLog, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        endings.write(associated())
    assert lines(caplog) == [("INFO", "association ended", None)] * 5


def test_refused_contexts_stand_in_the_line(endings: EndingLog, caplog: pytest.LogCaptureFixture) -> None:
    endings.write(associated("CT Image Storage: abstract syntax not supported", "and 3 more"))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert vars(record)["contexts_refused"] == "CT Image Storage: abstract syntax not supported; and 3 more"
