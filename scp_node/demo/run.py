"""The demonstration: archive and node on this machine, one study in, Structured Report and heat map out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from pydicom import Dataset
from rich.console import Console

from converter.page.markup import data_url
from converter.result.sr_page import sr_to_html
from scp_node.deliver.dimse.file_transfer import transfer
from scp_node.demo.archive import EmbeddedArchive
from scp_node.demo.example import write_example
from scp_node.demo.node_process import ARCHIVE_AE_TITLE, NodeProcess, running_node
from scp_node.demo.results import Results, checks_of, results_of
from scp_node.demo.study import Study, read_study

DONE, FAILED, DECLINED_ONLY = 0, 1, 3
WAIT_STEP_S = 0.25


def run_demo(study_path: Path | None, out: Path, keep: bool, timeout_s: float, console: Console) -> int:
    """Run it once and tell a person about it; returns the exit code.

    0: report and heat maps arrived and belong to the study. 3: the report arrived and says that no image was analysed.
    1: anything else. Raises UsageError when `study_path` holds nothing to send, NodeFailed when the node fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    study = _prepare(study_path, out, console)
    archive = EmbeddedArchive(out / "archive", ARCHIVE_AE_TITLE)
    archive.start()
    try:
        with _node_folder(out, keep) as folder, _started(folder, archive, console) as node:
            if keep:
                console.print(f"The node's own folder stays: {folder}")
            if not _send(study, node, console):
                return FAILED
            results = _wait_for_results(study, node, archive, timeout_s, console)
    finally:
        archive.stop()
    return FAILED if results is None else _tell(study, results, out, console)


def _prepare(study_path: Path | None, out: Path, console: Console) -> Study:
    if study_path is None:
        with console.status("Computing a chest radiograph of nobody ..."):
            study_path = write_example(out / "sent" / "example.dcm")
        console.print(f"Study: a computed chest radiograph, not of a patient ({study_path})")
    else:
        console.print(f"Study: {study_path}")
    study = read_study(study_path)
    for remark in study.remarks:
        console.print(f"  note: {remark}")
    return study


@contextmanager
def _node_folder(out: Path, keep: bool) -> Iterator[Path]:
    """A new folder for configuration, spool, ledger and log: each run is the first of its node."""
    folder = Path(tempfile.mkdtemp(prefix="node-", dir=out if keep else None))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(folder: Path, archive: EmbeddedArchive, console: Console) -> Iterator[NodeProcess]:
    with console.status("Starting the node ...") as status, running_node(folder, archive.port) as node:
        status.stop()
        console.print(f"Node HILUM listens on 127.0.0.1:{node.port}, archive {ARCHIVE_AE_TITLE} on {archive.port}")
        yield node
        status.update("Stopping the node ...")
        status.start()


def _send(study: Study, node: NodeProcess, console: Console) -> bool:
    """Whether the node took at least one image; each one that it refused is named."""
    taken = 0
    with console.status("Sending ..."):
        for one in transfer(node.peer, study.files):
            taken += one.outcome.sent
            if not one.outcome.sent:
                reason = " ".join(filter(None, [one.outcome.message, one.outcome.comment]))
                console.print(f"  {one.path.name}: not taken: {reason}", markup=False)
    console.print(f"Sent {taken} of {len(study.files)} images; the node answered 0x0000 once they were safe on disk")
    return taken > 0


def _wait_for_results(
    study: Study, node: NodeProcess, archive: EmbeddedArchive, timeout_s: float, console: Console
) -> Results | None:
    with console.status("Waiting for report and heat map in the archive ..."):
        for _ in range(max(1, int(timeout_s / WAIT_STEP_S))):
            node.check_alive()
            if archive.wait_for(lambda stored: results_of(study, stored) is not None, WAIT_STEP_S):
                return results_of(study, archive.stored)
    kinds = ", ".join(sorted({one.sop_class_uid for one in archive.stored})) or "nothing"
    console.print(f"The results did not arrive within {timeout_s:g} s; the archive holds: {kinds}", style="red")
    console.print(f"The end of the node's log:\n{node.log_end()}", markup=False)
    return None


def _tell(study: Study, results: Results, out: Path, console: Console) -> int:
    """Print what was found and where it is; the exit code."""
    console.print()
    for finding in results.findings:
        decision = "present" if finding.present else "absent"
        console.print(
            f"[bold]{finding.name}: {finding.probability_percent:g} %[/bold] "
            f"(threshold {finding.threshold_percent} %): {decision}",
            highlight=False,
        )
    for reason in results.declined:
        console.print(f"Not analysed: {reason}", style="yellow", markup=False)
    console.print("Research use only. Not for diagnosis.", style="dim")
    console.print()
    checks = checks_of(study, results)
    for check in checks:
        console.print(f"  {'ok  ' if check.holds else 'FAIL'} {check.sentence}", style="" if check.holds else "red")
    console.print()
    for name, path in _write_pages(results, out):
        console.print(f"{name:24} {path}", soft_wrap=True, highlight=False)
    if not all(check.holds for check in checks):
        return FAILED
    if results.heatmaps:
        return DONE
    if results.declined and not results.findings:
        console.print("\nNo image of this study was analysed: there is a report, and no heat map.", style="yellow")
        return DECLINED_ONLY
    console.print("\nThere is a report, but no heat map.", style="red")
    return FAILED


def _write_pages(results: Results, out: Path) -> list[tuple[str, Path]]:
    """PNG of each heat map and the report as a page; all files of the results with what they are."""
    files = [("Structured Report", results.report.path)]
    pictures: dict[str, str] = {}
    for number, heatmap in enumerate(results.heatmaps, 1):
        suffix = f"-{number}" if len(results.heatmaps) > 1 else ""
        picture = out / f"heatmap{suffix}.png"
        png = cv2.imencode(".png", rgb_of(heatmap.read())[..., ::-1])[1].tobytes()
        picture.write_bytes(png)
        pictures[heatmap.sop_instance_uid] = data_url("png", png)
        files += [("Heat map (DICOM)", heatmap.path), ("Heat map (picture)", picture)]
    page = out / "report.html"
    page.write_text(sr_to_html(results.report_ds, pictures), encoding="utf-8")
    return [*files, ("Report (page)", page)]


def rgb_of(ds: Dataset) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """Pixels of an uncompressed RGB Secondary Capture [rows, columns, 3]."""
    shape = (int(ds.Rows), int(ds.Columns), 3)
    count = shape[0] * shape[1] * 3
    return np.frombuffer(ds.PixelData, np.uint8, count).reshape(shape)
