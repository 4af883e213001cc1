"""A job, study or result is found by its id or by a part that no other has; else it is said which may be meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scp_node.errors import NothingFound, UsageError
from scp_node.ledger import Ledger, Transaction
from scp_node.queries.identity import CANDIDATES_MAX, job_named, result_named, study_named, study_of_part
from tests.support.ledger.ledgers import new_ledger
from tests.unit.queries.cases import NOON, receive

Find = Callable[[Transaction, str], str | None]


@pytest.mark.parametrize(
    ("find", "text", "found"),
    [
        (job_named, "delivery:3", "delivery:3"),
        (job_named, "y:3", "delivery:3"),
        (job_named, "3.3.1", "image:1.2.3.3.1"),
        (job_named, "image:1.2.3.3", "image:1.2.3.3.1"),
        (job_named, " delivery:3 ", "delivery:3"),
        (study_named, "1.2.3.2", "1.2.3.2"),
        (study_named, "3.2", "1.2.3.2"),
        (study_named, "ACC2", "1.2.3.2"),
        (result_named, "1.2.9.1", "1.2.9.1"),
        (result_named, "9.2", "1.2.9.2"),
        (study_of_part, "3.2.1", "1.2.3.2"),
        (study_of_part, "1.2.9", "1.2.3.1"),  # two results of one study
        (study_of_part, "3.1.2", "1.2.3.1"),
        (study_of_part, "nobody", None),
        (study_of_part, "9.9.9.9", None),
        (study_of_part, "3.2", None),  # too short to be meant
    ],
)
def test_a_part_that_no_other_has_is_enough(ledger: Ledger, find: Find, text: str, found: str | None) -> None:
    with ledger.reading() as tx:
        assert find(tx, text) == found


@pytest.mark.parametrize(
    ("find", "text", "candidates"),
    [
        (job_named, "delivery:", ["delivery:1", "delivery:2", "delivery:3"]),
        (study_named, "1.2.3", ["1.2.3.1", "1.2.3.2", "1.2.3.3"]),
        (result_named, "1.2.9", ["1.2.9.1", "1.2.9.2"]),
        (study_of_part, "1.2.3", ["1.2.3.1", "1.2.3.2", "1.2.3.3"]),
    ],
)
def test_what_several_have_names_them(ledger: Ledger, find: Find, text: str, candidates: list[str]) -> None:
    with ledger.reading() as tx, pytest.raises(UsageError, match=f"may be one of {len(candidates)} ") as told:
        find(tx, text)
    assert [line.strip() for line in told.value.further_lines] == candidates


@pytest.mark.parametrize("find", [job_named, study_named, result_named])
@pytest.mark.parametrize("text", ["nobody", "%", "_", "1_2", "delivery_3", "'", "\\"])
def test_what_nobody_has_is_not_found(ledger: Ledger, find: Find, text: str) -> None:
    with ledger.reading() as tx, pytest.raises(NothingFound):
        find(tx, text)


@pytest.mark.parametrize("find", [job_named, study_named, result_named])
@pytest.mark.parametrize("text", ["", "  "])
def test_no_name_is_wrong_usage(ledger: Ledger, find: Find, text: str) -> None:
    with ledger.reading() as tx, pytest.raises(UsageError, match="a beginning or an end"):
        find(tx, text)


def test_a_whole_name_counts_more_than_a_part_and_of_many_candidates_a_few_are_named(many: Ledger) -> None:
    with many.reading() as tx:
        assert study_named(tx, "1.2.3.1") == "1.2.3.1", "1.2.3.10 begins so too"
        assert job_named(tx, "image:1.2.3.1.1") == "image:1.2.3.1.1"
        with pytest.raises(UsageError, match=f"more than {CANDIDATES_MAX} studies") as told:
            study_named(tx, "1.2.3.")
    assert len(told.value.further_lines) == CANDIDATES_MAX


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Ledger]:
    """Thirty studies of one image."""
    ledger = new_ledger(tmp_path)
    with ledger.transaction() as tx:
        for study in range(1, 31):
            receive(tx, 1, study, NOON)
    yield ledger
    ledger.engine.dispose()
