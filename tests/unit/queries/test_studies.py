"""The list of studies shows the newest first, only what was asked for, and what became of each."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from scp_node.ledger import Ledger
from scp_node.queries import studies
from scp_node.queries.studies import StudyFilter, StudySummary, list_studies, newest_studies, page_of_studies
from tests.support.ledger.ledgers import new_ledger
from tests.unit.queries.cases import NOON, decline, receive


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
        sources=("pacs",),
        images={"reported": 1, "declined": 1},
        declines=("not-frontal",),
        positives={"bright": 0.9},
        deliveries={"committed": 1, "queued": 1, "dead": 1},
        dead_jobs=1,
    )


def test_a_study_that_was_only_received_has_nothing_else(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        newest, *_ = list_studies(tx, StudyFilter(), 10)
    assert (newest.images, newest.declines, newest.dead_jobs) == ({"received": 1}, (), 0)
    assert not newest.positives and not newest.deliveries


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (StudyFilter(source="ward"), ["1.2.3.3"]),
        (StudyFilter(source="nobody"), []),
        (StudyFilter(state="declined"), ["1.2.3.1"]),
        (StudyFilter(state="quarantined"), ["1.2.3.2"]),
        (StudyFilter(decline_code="undecodable"), ["1.2.3.2"]),
        (StudyFilter(positive=True), ["1.2.3.1"]),
        (StudyFilter(declined=True), ["1.2.3.2", "1.2.3.1"]),
        (StudyFilter(finding="Bright"), ["1.2.3.1"]),
        (StudyFilter(finding="dark"), []),  # it was looked for, and is not positive
        (StudyFilter(finding="bright", source="ward"), []),
        (StudyFilter(dead=True), ["1.2.3.1"]),
        (StudyFilter(dead=True, state="received"), []),
        (StudyFilter(accession_numbers=("ACC2", "ACC3", "ACC9")), ["1.2.3.3", "1.2.3.2"]),
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


@pytest.mark.parametrize(
    "wanted", [StudyFilter(source="ward"), StudyFilter(state="declined"), StudyFilter(source="no")]
)
def test_what_few_images_are_is_looked_for_in_bounded_steps_that_miss_nothing(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: StudyFilter
) -> None:
    monkeypatch.setattr(studies, "LOOKED_THROUGH_MAX", 2)
    many = new_ledger(tmp_path)
    with many.transaction() as tx:
        for study in range(1, 10):
            receive(tx, 1, study, NOON + timedelta(hours=study // 4), source="ward" if study in (1, 2, 7) else "pacs")
        decline(tx, "1.2.3.3.1")
    with many.reading() as tx:
        pages = [page_of_studies(tx, wanted, 1)]
        while pages[-1].next is not None:
            pages.append(page_of_studies(tx, wanted, 1, pages[-1].next))
        exact = [one.study_instance_uid for one in newest_studies(tx, wanted, 100)]
    many.engine.dispose()
    assert [one.study_instance_uid for page in pages for one in page.studies] == exact
    assert len(pages) >= 5 and pages[0].looked_until == NOON + timedelta(hours=2) and pages[-1].looked_until is None


def test_all_studies_are_listed_page_by_page_whatever_came_at_once(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies, "LIMIT_MAX", 2)
    many = new_ledger(tmp_path)
    with many.transaction() as tx:
        for study in range(1, 10):
            receive(tx, 1, study, NOON + timedelta(hours=study // 4))
    with many.reading() as tx:
        found = [one.study_instance_uid for one in newest_studies(tx, StudyFilter(), 100)]
        some = [one.study_instance_uid for one in newest_studies(tx, StudyFilter(), 5)]
    many.engine.dispose()
    assert found == [f"1.2.3.{study}" for study in (8, 9, 4, 5, 6, 7, 1, 2, 3)] and some == found[:5]
