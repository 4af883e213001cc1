"""The bench measures what it says: images arrive whole under fresh UIDs, goals are computed round by round."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydicom import dcmread

from tests.bench.backlog import SKIPPED_IMAGES, Sample, prices
from tests.bench.goals import GOALS, Goal, against, at_depth
from tests.bench.kept import Kept
from tests.bench.load_client import Stream, percentile, send
from tests.bench.loads import SMALL, images, make, uid
from tests.bench.results import write_results
from tests.support.node.receiving import MemoryLedger, files_below, running_receiver


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "kept")


def ingest_record(number: int, peer: str, mb_per_s: float | None) -> dict[str, object]:
    measured = {"failed": "refused"} if mb_per_s is None else {"mb_per_s": mb_per_s}
    return {"round": number, "case": "DX, 1 association", "peer": peer, **measured}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("association_per_image", [False, True])
def test_images_of_the_bench_arrive_whole_and_each_is_a_study_of_its_own(
    tmp_path: Path, association_per_image: bool
) -> None:
    ledger = MemoryLedger()
    with running_receiver(tmp_path, ledger) as receiver:
        stream = Stream(images(SMALL, tmp_path / "loads"), 2, 3, association_per_image)
        sent = send(receiver.port, "HILUM", stream, first_number=7)
    stored = {ds.SOPInstanceUID: ds for ds in map(dcmread, files_below(tmp_path / "spool"))}
    assert set(stored) == {uid("sop", number) for number in range(7, 13)} == set(ledger.rows)
    assert len({ds.StudyInstanceUID for ds in stored.values()}) == 6
    originals = {dcmread(path).PixelData for path in make(SMALL, tmp_path / "loads")}
    assert {ds.PixelData for ds in stored.values()} == originals
    assert len(sent.store_s) == 6
    assert len(sent.setup_s) == (6 if association_per_image else 2)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_refused_image_makes_a_measurement_void(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    ledger.failure = RuntimeError("disk gone")
    with running_receiver(tmp_path, ledger) as receiver, pytest.raises(RuntimeError, match="0xA700"):
        send(receiver.port, "HILUM", Stream(images(SMALL, tmp_path / "loads"), 1, 2), first_number=1)


def test_a_ratio_is_taken_within_a_round_and_a_failed_round_is_left_out(kept: Kept) -> None:
    records = [
        *(ingest_record(number, "Hilum", rate) for number, rate in enumerate((100.0, 300.0, 500.0))),
        *(ingest_record(number, "storescp", rate) for number, rate in enumerate((200.0, None, 100.0))),
    ]
    kept.put("ingest", records, kept.folder)
    figures = against("ingest", "mb_per_s", "DX, 1 association", "storescp")(kept)
    assert figures == [0.5, 5.0]


@pytest.mark.parametrize(
    ("compare", "bound", "reached"), [(">=", 2.0, True), (">=", 2.1, False), ("<=", 2.0, True), ("<=", 1.9, False)]
)
def test_the_median_is_held_against_the_goal(compare: Literal[">=", "<="], bound: float, reached: bool) -> None:
    assert Goal("", compare, bound, lambda _: []).reached([1.0, 2.0, 90.0]) is reached


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([5.0, 1.0, 4.0, 2.0, 3.0], 0.5) == 3.0
    assert percentile(list(map(float, range(1, 101))), 0.99) == 99.0
    assert percentile([7.0], 0.99) == 7.0


def test_prices_are_found_whatever_the_mixture_of_work() -> None:
    work = [
        (SKIPPED_IMAGES + more, reports)
        for more, reports in ((0, 0.0), (40, 5.0), (90, 20.0), (100, 60.0), (100, 100.0))
    ]
    samples = [
        Sample(7 + 3 * images + 20 * reports, 9 + 2 * images + 30 * reports, images, reports)
        for images, reports in work
    ]
    cold = Sample(0, 0, SKIPPED_IMAGES - 1, 0.0)
    assert prices([cold, *samples]) == pytest.approx(
        {"image_ms": 3, "report_ms": 20, "image_cpu_ms": 2, "report_cpu_ms": 30}
    )


def test_a_long_queue_is_held_against_the_prices_of_a_short_one(kept: Kept) -> None:
    few = {"round": 0, "case": "few", "peer": "Hilum", "image_cpu_ms": 2.0, "report_cpu_ms": 30.0}
    many = {"round": 0, "case": "many", "peer": "Hilum", "images": 300, "reports": 80.0, "cpu_ms": 4500.0}
    kept.put("backlog", [few, many], kept.folder)
    assert at_depth("cpu_ms")(kept) == [1.5]


def test_the_report_names_every_goal_and_says_what_was_not_measured(kept: Kept, tmp_path: Path) -> None:
    kept.put("ingest", [ingest_record(0, "Hilum", 600.0), ingest_record(0, "pynetdicom storescp", 100.0)], tmp_path)
    write_results(kept, tmp_path)
    lines = (tmp_path / "RESULTS.md").read_text(encoding="utf-8").splitlines()
    rows = {goal.what: next(line for line in lines if line.startswith(f"| {goal.what} |")) for goal in GOALS}
    assert "| 6 | 6 to 6 | 1 | yes |" in rows["DX ingest / pynetdicom storescp, 1 association"]
    assert sum("not measured" in row for row in rows.values()) == len(GOALS) - 1
    assert (tmp_path / "RESULTS.svg").read_text(encoding="utf-8").startswith("<?xml")
