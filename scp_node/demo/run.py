"""The demonstration: archive and node on this machine, one study in, Structured Report and heat map out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from converter.page.counted import counted
from scp_node.deliver.dimse.file_transfer import transfer
from scp_node.deliver.outcomes import in_words
from scp_node.demo.archive import EmbeddedArchive
from scp_node.demo.example import write_example
from scp_node.demo.node_process import ARCHIVE_AE_TITLE, NodeProcess, running_node
from scp_node.demo.pages import write_pages
from scp_node.demo.results import ArrivedResults, ResultCheck, checks_of, results_of
from scp_node.demo.study import Study, read_study

WAIT_STEP_S = 0.25


@dataclass(frozen=True)
class DemoOutcome:
    """What came back and was written; `files` with what they are."""

    results: ArrivedResults
    checks: tuple[ResultCheck, ...]
    files: tuple[tuple[str, Path], ...]


class DemoScreen(Protocol):
    """Whom the demonstration tells how far it is."""

    def working(self, text: str) -> AbstractContextManager[object]: ...

    def say(self, text: str, style: str = "") -> None: ...

    def show(self, outcome: DemoOutcome) -> None: ...

    def stay(self, console: str, link: str) -> None:
        """Return when the person has seen enough of the node, whose console is there; `link` lets the first one in."""


def run_demo(
    study_path: Path | None, out: Path, keep: bool, timeout_s: float, screen: DemoScreen
) -> DemoOutcome | None:
    """Run it once, and with `keep` let the node run until the person at `screen` has seen enough. None when no image
    was taken, or when the results did not arrive in time, which `screen` was told.

    Raises UsageError when `study_path` holds nothing to send, NodeFailed when the node fails.
    """
    out.mkdir(parents=True, exist_ok=True)
    study = _prepare(study_path, out, screen)
    archive = EmbeddedArchive(out / "archive", ARCHIVE_AE_TITLE)
    archive.start()
    try:
        with _node_folder(out, keep) as folder, _started(folder, archive, screen) as node:
            if keep:
                screen.say(f"The node's own folder stays: {folder}")
            outcome = _outcome(study, out, node, archive, timeout_s, screen)
            if keep:
                screen.stay(node.console, node.console_link())
            return outcome
    finally:
        archive.stop()


def _outcome(
    study: Study, out: Path, node: NodeProcess, archive: EmbeddedArchive, timeout_s: float, screen: DemoScreen
) -> DemoOutcome | None:
    """What came back, which `screen` was shown."""
    study = _send(study, node, screen)
    results = _wait_for_results(study, node, archive, timeout_s, screen) if study.files else None
    if results is None:
        return None
    outcome = DemoOutcome(results, tuple(checks_of(study, results)), tuple(write_pages(study, results, out)))
    screen.show(outcome)
    return outcome


def _prepare(study_path: Path | None, out: Path, screen: DemoScreen) -> Study:
    if study_path is None:
        with screen.working("Computing a chest radiograph of nobody ..."):
            study_path = write_example(out / "sent" / "example.dcm")
        screen.say(f"Study: a computed chest radiograph, not of a patient ({study_path})")
    else:
        screen.say(f"Study: {study_path}")
    study = read_study(study_path)
    for remark in study.remarks:
        screen.say(f"  note: {remark}")
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
def _started(folder: Path, archive: EmbeddedArchive, screen: DemoScreen) -> Iterator[NodeProcess]:
    with ExitStack() as stack:
        with screen.working("Starting the node ..."):
            node = stack.enter_context(running_node(folder, archive.port))
        screen.say(f"Node HILUM listens on 127.0.0.1:{node.port}, archive {ARCHIVE_AE_TITLE} on {archive.port}")
        yield node
        with screen.working("Stopping the node ..."):
            stack.close()


def _send(study: Study, node: NodeProcess, screen: DemoScreen) -> Study:
    """What of the study the node took; each image that it refused is named, with the reason."""
    taken = set()
    with screen.working("Sending ..."):
        for one in transfer(node.peer, study.files):
            if one.outcome.sent:
                taken.add(one.path)
            else:
                screen.say(f"  {one.path.name}: {in_words(one.outcome, 'the node')}", "red")
    answered = "the node answered 0x0000 once they were safe on disk" if taken else "the node took none of them"
    images = counted(len(study.files), "image")
    screen.say(f"Sent {images}, {len(taken)} taken: {answered}", "" if taken else "red")
    return study.of_files(taken)


def _wait_for_results(
    study: Study, node: NodeProcess, archive: EmbeddedArchive, timeout_s: float, screen: DemoScreen
) -> ArrivedResults | None:
    with screen.working("Waiting for report and heat map in the archive ..."):
        for _ in range(max(1, int(timeout_s / WAIT_STEP_S))):
            node.check_alive()
            if archive.wait_for(lambda stored: results_of(study, stored) is not None, WAIT_STEP_S):
                return results_of(study, archive.stored)
    kinds = ", ".join(sorted({one.sop_class_uid for one in archive.stored})) or "nothing"
    screen.say(f"The results did not arrive within {timeout_s:g} s; the archive holds: {kinds}", "red")
    screen.say("The end of the node's log:")
    for line in node.log_end():
        screen.say(line)
    return None
