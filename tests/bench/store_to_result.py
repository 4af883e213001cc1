"""How long after its C-STORE response a study's Structured Report is in the archive, and where the time goes.

    python -m tests.bench.store_to_result --studies 50

Runs the real node (quiet_period_s 0) beside Orthanc on this machine, sends one study at a time, and watches Orthanc's
list of changes. Stages come from the node's own ledger. Writes tests/bench/RESULTS.md unless --print-only.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from pydicom import Dataset

from scp_node.ledger import EventRow, Ledger
from tests.support.modality import store
from tests.support.node import RunningNode
from tests.support.orthanc import Orthanc
from tests.support.phantoms import make_dx

WARM_UP = 3
POLL_S = 0.004
WAIT_S = 60.0
RESULTS = Path(__file__).parent / "RESULTS.md"
# Stage of the table: the steps of the ledger whose times add up to it. `wait` is what lies between the steps.
STAGES = {
    "route and check": ("choose_route", "check_eligibility"),
    "decode and render": ("convert",),
    "infer and judge": ("infer", "judge"),
    "build heat map": ("gather_images", "build_heatmaps"),
    "build report": ("build_report",),
    "send report": ("send",),
}


def measure(archive: Orthanc, node: RunningNode, ds: Dataset) -> tuple[float, float]:
    """(seconds of the C-STORE with its association, seconds from its response until the SR is in the archive)."""
    since = json.loads(archive.get("/changes?last"))["Last"]
    began = time.perf_counter()
    assert store(node.port, [ds]) == [0x0000]
    answered = time.perf_counter()
    while time.perf_counter() - answered < WAIT_S:
        page = json.loads(archive.get(f"/changes?since={since}&limit=100"))
        since = page["Last"]
        for change in page["Changes"]:
            if change["ChangeType"] == "NewInstance":
                tags = archive.tags(change["ID"])
                if tags["Modality"] == "SR" and tags["StudyInstanceUID"] == ds.StudyInstanceUID:
                    return answered - began, time.perf_counter() - answered
        time.sleep(POLL_S)
    raise TimeoutError(f"no report within {WAIT_S} s")


def stages_of(ledger: Ledger, ds: Dataset) -> dict[str, float]:
    """Milliseconds by stage, from the receipt in the ledger to the end of the report's C-STORE."""
    with ledger.reading() as tx:
        events = ledger.events_of_study(tx, str(ds.StudyInstanceUID))
        report = ledger.reports_of_study(tx, str(ds.StudyInstanceUID))[0]
        reports = [one for one in ledger.results_of_report(tx, report.id) if one.kind == "sr"]
    uid = reports[0].sop_instance_uid
    steps = {event.step: event for event in events if event.step != "send" or event.subject == uid}
    spent = {name: sum(_took(steps, step) for step in used) for name, used in STAGES.items()}
    total = 1000 * (steps["send"].at - steps["received"].at).total_seconds()
    spent["wait (queues, commits)"] = total - sum(spent.values())
    return spent


def _took(steps: dict[str, EventRow], step: str) -> float:
    return (steps[step].took_ms or 0.0) if step in steps else 0.0


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of `values` do not exceed (nearest rank)."""
    return sorted(values)[max(0, round(share * len(values) + 0.5) - 1)]


def table(columns: dict[str, list[float]]) -> list[str]:
    lines = ["| stage | median ms | p95 ms |", "|---|---:|---:|"]
    for name, values in columns.items():
        lines.append(f"| {name} | {statistics.median(values):.1f} | {percentile(values, 0.95):.1f} |")
    return lines


def run(studies: int, rows: int, columns: int, folder: Path) -> dict[str, list[float]]:
    """Measure `studies` studies of one rows x columns image each, after a warm-up."""
    archive = Orthanc(folder / "orthanc")
    archive.start()
    node = RunningNode(folder / "node", {"pacs": ("ORTHANC", archive.dicom_port)}, report={"quiet_period_s": 0})
    measured: dict[str, list[float]] = {}
    try:
        node.start()
        ledger = node.ledger()
        for number in range(WARM_UP + studies):
            ds = make_dx(seed=number, rows=rows, columns=columns)
            stored_s, waited_s = measure(archive, node, ds)
            if number < WARM_UP:
                continue
            time.sleep(0.3)
            row = {"C-STORE with association (before the clock starts)": 1000 * stored_s}
            row |= stages_of(ledger, ds) | {"response to report in the archive": 1000 * waited_s}
            for name, value in row.items():
                measured.setdefault(name, []).append(value)
        ledger.engine.dispose()
    finally:
        node.stop()
        archive.stop()
    return measured


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=50)
    parser.add_argument("--rows", type=int, default=2500)
    parser.add_argument("--columns", type=int, default=2048)
    parser.add_argument("--print-only", action="store_true", help="do not write RESULTS.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hilum-bench-") as folder:
        measured = run(arguments.studies, arguments.rows, arguments.columns, Path(folder))
    text = "\n".join(
        [
            "# Store to result",
            "",
            f"{arguments.studies} studies, one at a time, each one 12-bit DX of {arguments.columns} x "
            f"{arguments.rows} pixels, explicit little endian; Orthanc as archive on the same machine; "
            f"quiet_period_s 0; CPU provider unless a GPU is there. {platform.machine()}, Python "
            f"{platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}. Absolute times are of one shared machine; "
            "read the shares, and repeat with `make bench`.",
            "",
            *table(measured),
            "",
        ]
    )
    print(text)
    if not arguments.print_only:
        RESULTS.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
