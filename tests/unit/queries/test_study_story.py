"""A study's story has everything that happened to it, in order, and no more than it may."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from scp_node.ledger import Ledger, NewResult
from scp_node.queries.study_story import FoundInImage, story_of, studies_named
from tests.support.ledger.ledgers import new_ledger, received
from tests.unit.ledger.test_plans import plan_of
from tests.unit.queries import cases
from tests.unit.queries.cases import NEXT, NOON


def test_each_image_is_told_with_what_was_found_or_why_it_was_declined(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        film, lateral = story_of(tx, "1.2.3.1").images
    assert (film.sop_instance_uid, film.received_at, film.source) == ("1.2.3.1.1", NOON, "pacs")
    assert (film.state, film.decline_code, film.notes) == ("reported", None, ("age unknown",))
    assert film.findings == (
        FoundInImage("bright", 0.9, 0.5, True, "right lung, lower zone"),
        FoundInImage("dark", 0.25, 0.5, False),
    )
    assert lateral.received_at == NOON + timedelta(seconds=5) and lateral.findings == ()
    assert (lateral.state, lateral.decline_code, lateral.reason) == ("declined", "not-frontal", "View Position is LL")


def test_reports_are_told_with_their_results_and_where_each_of_them_went(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        (report,) = story_of(tx, "1.2.3.1").reports
    assert (report.route, report.revision, report.model, report.images) == ("chest", 1, "tiny@1.0.0", 2)
    assert report.built_at is not None
    heatmap, sr = report.results
    assert (heatmap.kind, heatmap.sop_instance_uid, sr.kind, sr.sop_instance_uid) == (
        *("heatmap", "1.2.9.2"),
        *("sr", "1.2.9.1"),
    )
    assert [(one.destination, one.state, one.attempts) for one in sr.deliveries] == [
        ("pacs", "committed", 1),
        ("viewer", "dead", 1),
    ]
    assert [(one.destination, one.next_attempt_at) for one in heatmap.deliveries] == [("pacs", NEXT)]


def test_jobs_and_events_are_told_in_their_order_with_time_step_outcome_and_duration(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        story = story_of(tx, "1.2.3.1")
    assert [(job.kind, job.state) for job in story.jobs] == [
        *(("image", "done"), ("image", "done")),
        *(("delivery", "done"), ("delivery", "waiting"), ("delivery", "dead")),
    ]
    assert [(event.step, event.subject) for event in story.events] == [
        ("received", "1.2.3.1.1"),
        ("received", "1.2.3.1.2"),
        ("judge", "1.2.3.1.1"),
    ]
    judged = story.events[-1]
    assert (judged.at, judged.outcome, judged.took_ms) == (NOON + timedelta(seconds=6), "bright", 12.4)
    assert story.is_whole


def test_another_study_is_not_mixed_in_and_an_unknown_one_has_no_story(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        second, unknown = story_of(tx, "1.2.3.2"), story_of(tx, "9.9")
    assert [image.sop_instance_uid for image in second.images] == ["1.2.3.2.1"]
    assert second.reports == () and len(second.jobs) == len(second.events) == 1
    assert (unknown.images, unknown.reports, unknown.jobs, unknown.events) == ((), (), (), ())


def test_a_story_that_is_too_long_keeps_the_first_images_and_the_last_events_and_says_so(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        story = story_of(tx, "1.2.3.1", rows_max=2)
    assert not story.is_whole
    assert [image.sop_instance_uid for image in story.images] == ["1.2.3.1.1", "1.2.3.1.2"]
    assert [event.step for event in story.events] == ["received", "judge"]
    assert [job.state for job in story.jobs] == ["waiting", "dead"]  # what is done gives way
    with ledger.reading() as tx:
        assert story_of(tx, "1.2.3.1", rows_max=5).is_whole


def test_of_what_is_too_long_the_positive_image_stays_with_the_results_of_the_last_report(tmp_path: Path) -> None:
    cases.fill(tmp_path)
    ledger = new_ledger(tmp_path)
    with ledger.transaction() as tx:
        for number in range(3, 6):
            cases.receive(tx, number, 1, NOON - timedelta(hours=number))
            cases.judge(tx, f"1.2.3.1.{number}", positive=False)
        report = tx.reports.open("1.2.3.1", "chest", "study:2", "tiny@1.0.0", ["1.2.3.1.1"])
        tx.reports.close(report, [NewResult("1.2.9.3", cases.SR_CLASS, "1.2.9", "sr", "cc", 10, "00")], ["viewer"])
    with ledger.reading() as tx:
        story = story_of(tx, "1.2.3.1", rows_max=1)
    ledger.engine.dispose()
    assert [image.sop_instance_uid for image in story.images] == ["1.2.3.1.1"] and not story.is_whole
    assert [report.revision for report in story.reports] == [2]
    assert [one.destination for one in story.reports[0].results[0].deliveries] == ["viewer"]


@pytest.mark.parametrize("key", ["ACC1", "1.2.3.1", "1.2.3.1.2", "1.2.3.1.0", "1.2.9.2"])
def test_a_study_is_found_by_its_accession_number_and_by_each_of_its_uids(ledger: Ledger, key: str) -> None:
    with ledger.reading() as tx:
        assert studies_named(tx, key, 10) == ("1.2.3.1",)
        assert studies_named(tx, key, 0) == ()
        assert studies_named(tx, "nobody", 10) == ()


def test_a_story_reads_no_table_that_grows_as_a_whole(tmp_path: Path) -> None:
    plans = plan_of(tmp_path, lambda _, tx: story_of(tx, "1.2"))
    assert len(plans) > 4
    assert [line for line in plans if line.startswith("SCAN")] == []


def test_the_ledger_of_these_tests_refuses_every_write(ledger: Ledger) -> None:
    with pytest.raises(DatabaseError, match=r"read-?only"), ledger.transaction() as tx:
        tx.instances.add(received(9, 9))
