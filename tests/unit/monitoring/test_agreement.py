"""What two models are said to agree on is what their scores show, whatever the number of images."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from scp_node.ledger import Ledger, ShadowRow, TwoScores
from scp_node.ledger.records import ShadowOutcome, now_utc
from scp_node.monitoring.agreement import DIFFERING_MAX, PAIRS_MAX, agreements, kappa
from scp_node.monitoring.agreement_page import agreement_page
from tests.support.ledger.ledgers import received
from tests.support.pages.page_checks import problems_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RNG = np.random.default_rng(3)


def row(
    number: int, first: float = 0.2, second: float = 0.3, outcome: ShadowOutcome = "scored", detail: str = ""
) -> ShadowRow:
    scores = (TwoScores("pneumonia", first, first >= 0.5, second, second >= 0.4),) if outcome == "scored" else ()
    return ShadowRow(f"1.2.3.1.{number}", "tiny@2.0.0", "tiny@1.0.0", "chest", outcome, detail, scores, NOW)


def test_the_figures_are_those_of_the_whole_series() -> None:
    first = RNG.random(500)
    second = np.clip(first + RNG.normal(0.05, 0.1, 500), 0, 1)
    (found,), unscored = agreements(
        row(n, *pair) for n, pair in enumerate(zip(first.tolist(), second.tolist(), strict=True))
    )
    assert unscored == [] and found.images == 500
    assert found.mean_difference == pytest.approx((second - first).mean())
    assert found.mean_absolute_difference == pytest.approx(np.abs(second - first).mean())
    assert found.correlation == pytest.approx(np.corrcoef(first, second)[0, 1])
    table = [[((first >= 0.5) == a) & ((second >= 0.4) == b) for b in (False, True)] for a in (False, True)]
    assert found.table == tuple(tuple(int(cell.sum()) for cell in line) for line in table)
    assert len(found.differing) == DIFFERING_MAX
    decided = (first >= 0.5) != (second >= 0.4)
    worst = sorted(range(500), key=lambda n: (not decided[n], -abs(second[n] - first[n])))[:DIFFERING_MAX]
    assert [one.sop_instance_uid for one in found.differing] == [f"1.2.3.1.{n}" for n in worst]


@pytest.mark.parametrize(
    ("table", "expected"),
    [(((20, 5), (10, 15)), 0.4), (((10, 0), (0, 10)), 1.0), (((0, 10), (10, 0)), -1.0), (((5, 5), (5, 5)), 0.0)],
)
def test_kappa_of_known_tables(table: tuple[tuple[int, int], tuple[int, int]], expected: float) -> None:
    assert kappa(table) == pytest.approx(expected)


def test_what_is_not_defined_is_said_to_be_so() -> None:
    assert kappa(((7, 0), (0, 0))) is None and kappa(((0, 0), (0, 0))) is None
    (found,), _ = agreements([row(1), row(2)])
    assert found.correlation is None and found.kappa is None
    assert "not defined" in agreement_page([found], [], NOW, NOW)


def test_images_that_the_second_model_did_not_score_are_counted_by_reason() -> None:
    rows = [
        row(1, outcome="declined", detail="not-frontal: View Position is LL"),
        row(2, outcome="declined", detail="not-frontal: other words"),
        row(3, outcome="failed", detail="invalid-score: NaN"),
    ]
    found, unscored = agreements(rows)
    assert found == []
    assert [(one.outcome, one.reason, one.images) for one in unscored] == [
        ("declined", "not-frontal", 2),
        ("failed", "invalid-score", 1),
    ]


def test_pairs_are_bounded() -> None:
    many = [
        ShadowRow("1.2", f"tiny@{n}.0.0", "tiny@1.0.0", "chest", "failed", "x", (), NOW) for n in range(PAIRS_MAX + 1)
    ]
    with pytest.raises(ValueError, match=f"more than {PAIRS_MAX}"):
        agreements(many)


def test_the_page_is_whole_and_escapes_what_it_is_given() -> None:
    strange = ShadowRow(
        "1.2.3", "<b>@1.0.0", "a&b@1.0.0", "chest", "scored", "", (TwoScores("p", 0.1, False, 0.9, True),), NOW
    )
    found, unscored = agreements([strange, row(1, outcome="failed", detail="<script>: x")])
    page = agreement_page(found, unscored, NOW - timedelta(days=30), NOW)
    assert "<b>@" not in page and "&lt;b&gt;@1.0.0" in page and "<script>" not in page
    assert problems_of(page) == []


def test_scores_of_second_models_are_kept_once_an_image_and_read_by_time(ledger: Ledger) -> None:
    moment = now_utc()
    with ledger.transaction() as tx:
        for number in (1, 2, 3):
            tx.instances.add(received(number))
            age = timedelta(days=number)
            tx.shadows.put(ShadowRow(**vars(row(number)) | {"scored_at": moment - age}))
        again = ShadowRow(**vars(row(1, 0.6, 0.7)) | {"scored_at": moment})
        tx.shadows.put(again)
    with ledger.reading() as tx:
        seen = list(tx.shadows.since(moment - timedelta(days=2, hours=1)))
    assert [one.sop_instance_uid for one in seen] == ["1.2.3.1.2", "1.2.3.1.1"]
    assert seen[-1] == again
    with ledger.transaction() as tx:
        assert tx.shadows.forget(moment - timedelta(days=2, hours=1)) == 1
