"""Outcomes of deliveries: what counts as sent, and what a fault says to whom it may concern."""

from __future__ import annotations

import pytest

from scp_node.deliver.outcomes import FAULTS, PeerFault, SendOutcome, Verdict, not_sent


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
