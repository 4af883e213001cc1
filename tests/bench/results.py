"""Writes RESULTS.md and its plot from what is kept. Every figure in them comes from a record."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import backlog, idle, ingest, pages, sending, stages, uploads, whole_way
from tests.bench.goals import GOALS
from tests.bench.kept import Kept
from tests.bench.loads import LOADS
from tests.bench.peers.hilum import AT_ONCE, HilumNode
from tests.bench.peers.orthanc_python import OrthancPython
from tests.bench.peers.plain_script import PlainScript
from tests.bench.plot import PLOT, draw
from tests.bench.workplace import Record

PARTS = (
    "ingest",
    "idle",
    "sending",
    "whole_way",
    "stages",
    "backlog",
    "pages",
    "uploads",
)
Column = tuple[str, str, int]
HOW = f"""\
Ratios are between peers of one round: in each round every peer starts anew with empty folders, cases and peers follow
each other in shuffled order, and the disk is synced in between. A ratio is given as its median over the rounds, with
the least and the largest; the median is held against the goal. Everything runs on this one machine over 127.0.0.1, in a
network namespace of its own; sender and receiver share its cores, so rates are of the whole system. Absolute figures
are of this machine; CPU is that of the peer with all its processes, without the sender.

- **Durability is not the same.** Hilum answers 0x0000 after fsync of the file, rename, fsync of the directory and the
  commit of its ledger. Orthanc syncs each file. DCMTK's and pynetdicom's storescp call no fsync: they answer sooner,
  and lose what they acknowledged last when the power fails.
- The sender is the same for all: a bare socket in one process an association, TCP_NODELAY on, files mapped in memory,
  new UIDs for every image. It acknowledges when the system does. One case has a sender that acknowledges at once
  (TCP_QUICKACK): that takes away from DCMTK as shipped the wait for delayed acknowledgements, about 40 ms an image.
- The table of ingest has a second rate: the same images over the time until the disk has them, which is when a last
  `sync` returns. There all receivers have done the same work.
- Memory is at hand when a measurement begins. A virtual machine may give free memory back to its host, and fetching it
  again costs several times what a receiver costs; which peer pays is chance. The bench holds memory and lets go of it
  in the moment in which it begins. (Without that, DCMTK, which takes each image into memory first, came out two to
  three times slower here.)
- The disk watermark is out of the way; of Hilum's default settings nothing else is changed but what stands below.
- The whole way runs from connecting until the archive lists the report. Hilum and the plain script send to an
  Orthanc as archive. Orthanc + python stores its results in itself, which costs it no network: its figures hold
  receiver, analysis and archive; those of the others are given without and with the archive.
- With a long queue, images are judged ahead of reports. What an image and a report cost is therefore fitted over a run
  with {backlog.FEW} waiting images, once {backlog.SKIPPED_IMAGES} others are judged; the work done at the head of a
  long queue is held against these prices.
- A full run has {ingest.ROUNDS} rounds of ingest, {idle.ROUNDS} of idle and memory, {sending.ROUNDS} of sending,
  {whole_way.ROUNDS} of the whole way, {stages.ROUNDS} of stages, {backlog.ROUNDS} under load, {pages.ROUNDS} of pages,
  {uploads.ROUNDS} of uploads.
- A page is asked for over one new connection, and made anew each time; two servers, with few and with many studies of
  one year, are asked in turn.
  A p99 of fewer than 100 measurements is the largest of them.
"""
INGEST: tuple[Column, ...] = (
    ("MB/s", "mb_per_s", 0),
    ("MB/s until on the disk", "durable_mb_per_s", 0),
    ("stores/s", "stores_per_s", 1),
    ("p50 ms", "p50_ms", 1),
    ("p99 ms", "p99_ms", 1),
    ("set-up ms", "setup_ms", 1),
    ("CPU s/GB", "cpu_s_per_gb", 2),
    ("memory MB", "memory_mb", 0),
)
IDLE: tuple[Column, ...] = (
    ("associations", "associations", 0),
    ("% of a core", "core_percent", 2),
    ("threads", "threads", 0),
    ("descriptors", "descriptors", 0),
)
MEMORY: tuple[Column, ...] = (
    ("associations", "associations", 0),
    ("anonymous memory MB", "anonymous_mb", 0),
    ("MB per association", "mb_per_association", 2),
)
SENDING: tuple[Column, ...] = (("objects/s", "objects_per_s", 1),)
WHOLE_WAY: tuple[Column, ...] = (
    ("paced p50 ms", "p50_ms", 0),
    ("paced p99 ms", "p99_ms", 0),
    ("burst studies/s", "studies_per_s", 1),
    ("CPU ms/study", "node_cpu_ms", 0),
    ("CPU ms/study of a separate archive", "archive_cpu_ms", 0),
)
BACKLOG: tuple[Column, ...] = (
    ("waiting", "waiting", 0),
    ("CPU ms an image", "image_cpu_ms", 1),
    ("CPU ms a report", "report_cpu_ms", 1),
    ("images", "images", 0),
    ("reports", "reports", 0),
    ("CPU ms for these", "cpu_ms", 0),
    ("C-STORE p50 ms", "p50_ms", 1),
    ("C-STORE p99 ms", "p99_ms", 1),
)
UPLOADS: tuple[Column, ...] = (
    ("analysis alone ms", "analysis_ms", 1),
    ("POST /api/predict ms", "predict_ms", 1),
    ("with map ms", "predict_with_map_ms", 1),
    ("C-STORE p50 ms", "p50_ms", 1),
    ("C-STORE p99 ms", "p99_ms", 1),
    ("uploads", "uploads", 0),
)

PAGES: tuple[Column, ...] = (
    (f"{pages.FEW} studies, ms", "few_ms", 1),
    (f"{pages.MANY:,} studies, ms", "many_ms", 1),
    ("% of a core", "core_percent", 2),
)


def write_results(kept: Kept, folder: Path, quick: bool = False) -> None:
    """RESULTS.md and the plot into `folder`."""
    lines = ["# Hilum beside its peers", "", "Written by `make bench`; nothing here is written by hand.", ""]
    if quick:
        lines += ["**A quick run: one round, few images, short queues. It shows that all parts run, and no more.**", ""]
    lines += [*_measured(kept), "", "## Goals", "", *_goals(kept), "", f"![ratios and goals]({PLOT})", ""]
    lines += ["## How it is measured", "", HOW, "Loads:", "", *(f"- {load.name}: {load.what}" for load in LOADS), ""]
    lines += ["Peers:", "", *_peers(), ""]
    sections: tuple[tuple[str, str, Callable[[list[Record]], list[Record]], Sequence[Column]], ...] = (
        ("Ingest", "ingest", list, INGEST),
        ("Idle associations", "idle", lambda records: _case(records, "idle"), IDLE),
        ("Memory with DX images half sent", "idle", lambda records: _case(records, "memory"), MEMORY),
        ("Sending Structured Reports, one association", "sending", list, SENDING),
        ("Study in to report visible", "whole_way", list, WHOLE_WAY),
        ("Under load", "backlog", list, BACKLOG),
        ("Pages of the console", "pages", list, PAGES),
        ("Uploads", "uploads", list, UPLOADS),
    )
    for title, part, choose, columns in sections:
        lines += [f"## {title}", "", "Medians over the rounds.", "", *_table(choose(kept.records(part)), columns), ""]
    lines += ["## Store to result and its stages", "", *_stages(kept), ""]
    (folder / "RESULTS.md").write_text("\n".join(lines), encoding="utf-8")
    draw(kept, folder / PLOT)


def _measured(kept: Kept) -> list[str]:
    titles = ("date", "commit", "machine", "disk", "python")
    lines = ["| part | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for part in PARTS:
        about = kept.about(part) or {"date": "not measured"}
        lines.append(f"| {part} | " + " | ".join(about.get(title, "") for title in titles) + " |")
    return lines


def _goals(kept: Kept) -> list[str]:
    lines = ["| what | reach | median | least to largest | rounds | reached |", "|---|---|---:|---|---:|---|"]
    for goal in GOALS:
        figures = goal.measure(kept)
        sign, unit = {">=": "≥", "<=": "≤"}[goal.compare], f" {goal.unit}" if goal.unit else ""
        reach = f"{sign} {goal.bound:.3g}{unit}"
        if not figures:
            lines.append(f"| {goal.what} | {reach} | not measured | | | |")
            continue
        answer = "yes" if goal.reached(figures) else "**no**"
        spread = f"{_short(min(figures))} to {_short(max(figures))}"
        median = _short(statistics.median(figures))
        lines.append(f"| {goal.what} | {reach} | {median}{unit} | {spread} | {len(figures)} | {answer} |")
    return lines


def _peers() -> list[str]:
    peers = [
        *(peer() for peer in ingest.PEERS),
        HilumNode(**AT_ONCE),
        OrthancPython(),
        PlainScript(("", 0)),
    ]
    lines = []
    for peer in peers:
        try:
            described = peer.describe()
        except FileNotFoundError:
            described = "not installed here"
        lines.append(f"- {'Hilum, whole way' if isinstance(peer, HilumNode) else peer.name}: {described}")
    return lines


def _case(records: list[Record], case: str) -> list[Record]:
    return [record for record in records if record["case"] == case]


def _table(records: list[Record], columns: Sequence[Column]) -> list[str]:
    """A row for each case and peer, in the order in which they were first met by name."""
    rows = sorted({(record["case"], record["peer"]) for record in records})
    lines = ["| case | peer | " + " | ".join(title for title, _, _ in columns) + " | failed |"]
    lines.append("|---|---|" + "---:|" * (len(columns) + 1))
    for case, peer in rows:
        chosen = [record for record in records if (record["case"], record["peer"]) == (case, peer)]
        cells = []
        for _, key, digits in columns:
            values = [record[key] for record in chosen if key in record]
            cells.append(f"{statistics.median(values):.{digits}f}" if values else "")
        failed = sum("failed" in record for record in chosen)
        lines.append(f"| {case} | {peer} | " + " | ".join(cells) + f" | {failed or ''} |")
    return lines


def _stages(kept: Kept) -> list[str]:
    records = kept.records("stages")
    if not records:
        return ["Not measured."]
    lines = ["| stage, measured alone | median ms |", "|---|---:|"]
    for name in records[0]["alone_ms"]:
        lines.append(f"| {name} | {statistics.median(r['alone_ms'][name] for r in records):.1f} |")
    lines.append(f"| **sum** | {statistics.median(r['sum_ms'] for r in records):.1f} |")
    for key, title in (("p50_ms", "p50"), ("p99_ms", "p99")):
        median_ms = statistics.median(record[key] for record in records)
        lines.append(f"| store to report and heat map in the archive, {title} | {median_ms:.1f} |")
    lines += ["", "| step, as the ledger timed it in the whole way | median ms |", "|---|---:|"]
    for name in records[0]["steps_ms"]:
        lines.append(f"| {name} | {statistics.median(r['steps_ms'].get(name, 0.0) for r in records):.1f} |")
    lines += ["", f"{stages.ROUNDS} rounds of {stages.STUDIES} studies in a full run, one at a time, DX raw."]
    return lines


def _short(figure: float) -> str:
    return f"{figure:.3g}"
