"""The list of studies shows the newest first, only what was asked for, and what became of each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scp_node.ledger import Ledger
from scp_node.queries import studies
from scp_node.queries.studies import StudyFilter, StudySummary, list_studies
from tests.unit.queries.cases import NOON


def listed(ledger: Ledger, wanted: StudyFilter = StudyFilter(), limit: int = 10) -> list[str]:  # noqa: B008  is frozen
    with ledger.reading() as tx:
        return [one.study_instance_uid for one in list_studies(tx, wanted, limit)]


def test_the_newest_study_comes_first(ledger: Ledger) -> None:
    assert listed(ledger) == ["1.2.3.3", "1.2.3.2", "1.2.3.1"]


def test_a_study_is_summed_up(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        *_, first = list_studies(tx, StudyFilter(), 10)
    assert first == StudySummary(
        study_instance_uid="1.2.3.1",
        accession_number="ACC1",
        first_received_at=NOON,
        images={"reported": 1, "declined": 1},
        declines=("not-frontal",),
        positives=("bright",),
        deliveries={"committed": 1, "queued": 1, "dead": 1},
    )


def test_a_study_that_was_only_received_has_nothing_else(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        newest, *_ = list_studies(tx, StudyFilter(), 10)
    assert (newest.images, newest.declines, newest.positives, newest.deliveries) == ({"received": 1}, (), (), {})


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (StudyFilter(source="ward"), ["1.2.3.3"]),
        (StudyFilter(source="nobody"), []),
        (StudyFilter(state="declined"), ["1.2.3.1"]),
        (StudyFilter(state="quarantined"), ["1.2.3.2"]),
        (StudyFilter(decline_code="undecodable"), ["1.2.3.2"]),
        (StudyFilter(positive=True), ["1.2.3.1"]),
        (StudyFilter(positive=True, state="declined"), []),  # the image that is declined is not the positive one
        (StudyFilter(received_from=NOON + timedelta(minutes=1)), ["1.2.3.3", "1.2.3.2"]),
        (StudyFilter(received_before=NOON + timedelta(hours=2)), ["1.2.3.2", "1.2.3.1"]),
        (StudyFilter(received_from=NOON, received_before=NOON + timedelta(minutes=1)), ["1.2.3.1"]),
    ],
)
def test_studies_are_listed_by_what_one_of_their_images_is(
    ledger: Ledger, wanted: StudyFilter, expected: list[str]
) -> None:
    assert listed(ledger, wanted) == expected


def test_the_list_ends_at_its_limit_whoever_asks(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(ledger, limit=2) == ["1.2.3.3", "1.2.3.2"]
    monkeypatch.setattr(studies, "LIMIT_MAX", 1)
    assert listed(ledger, limit=10) == ["1.2.3.3"]
