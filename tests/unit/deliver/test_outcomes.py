"""Outcomes of deliveries: what counts as sent, and what a fault says to whom it may concern."""

from __future__ import annotations

import pytest

from scp_node.deliver.dimse.statuses import STORE_STATUSES
from scp_node.deliver.outcomes import FAULTS, PeerFault, SendOutcome, Verdict, in_words, not_sent


def test_no_fault_counts_as_sent() -> None:
    assert all(row.verdict is not Verdict.SENT for row in FAULTS.values())


def test_only_a_class_that_is_refused_as_such_may_be_replaced_by_another() -> None:
    assert {verdict for verdict in Verdict if SendOutcome(verdict, "code", "").class_refused} == {
        Verdict.CLASS_NOT_ACCEPTED
    }


@pytest.mark.parametrize("code", FAULTS)
def test_an_attempt_that_a_fault_ended_says_who_what_and_why(code: str) -> None:
    fault, outcome = PeerFault(code, "after 5 s"), not_sent(code, "after 5 s", who="pacs")
    assert (outcome.verdict, outcome.code) == (FAULTS[code].verdict, code)
    assert outcome.message == f"pacs: {fault}" == f"pacs: {FAULTS[code].meaning} (after 5 s)"
    assert not_sent(code).message == str(PeerFault(code)) == FAULTS[code].meaning


def test_an_unknown_fault_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="unknown fault"):
        PeerFault("no-such-code")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (SendOutcome(Verdict.SENT, "stored", "stored", 0x0000), "stored: stored [status 0x0000]"),
        (
            SendOutcome(Verdict.RETRY, "out-of-resources", "it is out of resources", 0xA700, "disk full"),
            "out-of-resources: the node refused it: it is out of resources [status 0xA700] 'disk full'",
        ),
        (
            not_sent("connection-refused"),
            "connection-refused: not sent to the node: nothing listens on that port; is it running, are host and port "
            "right?",
        ),
    ],
)
def test_who_refused_is_named(outcome: SendOutcome, words: str) -> None:
    assert in_words(outcome, "the node") == words


def test_no_answer_of_a_remote_ae_is_told_as_that_of_an_archive() -> None:
    """The same words stand where a node refused."""
    assert [row.meaning for _, _, row in STORE_STATUSES if "archive" in row.meaning] == []
