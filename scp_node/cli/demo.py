"""`hilum demo`: the main job once, from radiograph to report, on this machine."""

from __future__ import annotations

import signal
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Annotated

import typer

from scp_node.cli import terminal
from scp_node.cli.terminal import say
from scp_node.demo.run import DemoOutcome, run_demo
from scp_node.errors import ExitCode


def demo(
    study: Annotated[
        Path | None, typer.Option(exists=True, help="Your own DICOM file or folder; default: a computed radiograph.")
    ] = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Keep node, archive and console running until Ctrl-C, and the node's folder after it."
        ),
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for results; nothing else is written.")] = Path("hilum-demo"),
    timeout: Annotated[float, typer.Option(min=5, max=3600, help="Seconds to wait for the results.")] = 120.0,
) -> None:
    """Start the node and a small archive on free ports of this machine, send one study, and show what comes back.

    Exit 0 when report and heat map arrived and belong to the study, 3 when no image of it could be analysed, else 1.
    """
    # Node and archive end with each of them, also where Ctrl-C was ignored by whoever started this.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    outcome = run_demo(study, out, keep, timeout, Terminal())
    if outcome is not None and not keep:
        say()
        say("Node and archive have ended. `hilum demo --keep` keeps them, and names the address of the node's console.")
    raise typer.Exit(ExitCode.FAILED if outcome is None else _code(outcome))


class Terminal:
    """Shows how far the demonstration is."""

    def working(self, text: str) -> AbstractContextManager[object]:
        return terminal.working(text)

    def say(self, text: str, style: str = "") -> None:
        terminal.say(text, style)

    def show(self, outcome: DemoOutcome) -> None:
        _tell(outcome)

    def stay(self, console: str, link: str) -> None:
        say()
        say(f"Console: {console}", "bold")
        say(f"The first time: {link}", "bold")
        say(
            "Open the second in a browser of this machine, and choose a name and a password; it works once, and the "
            "first ever after. Ctrl-C here ends node and archive."
        )
        with suppress(KeyboardInterrupt):
            while True:
                signal.pause()


def _tell(outcome: DemoOutcome) -> None:
    """Print what was found and where it is."""
    results = outcome.results
    say()
    for finding in results.findings:
        decision = "present" if finding.present else "absent"
        probability = f"{finding.name}: {finding.probability_percent:g} %"
        say(f"{probability} (threshold {finding.threshold_percent} %): {decision}", "bold")
    for reason in results.declined:
        say(f"Not analysed: {reason}", "yellow")
    say("Research use only. Not for diagnosis.", "dim")
    say()
    for check in outcome.checks:
        say(f"  {'ok  ' if check.holds else 'FAIL'} {check.sentence}", "" if check.holds else "red")
    say()
    for name, path in outcome.files:
        say(f"{name:24} {path}")
    if not results.heatmaps:
        say()
        if results.declined and not results.findings:
            say("No image of this study was analysed: there is a report, and no heat map.", "yellow")
        else:
            say("There is a report, but no heat map.", "red")


def _code(outcome: DemoOutcome) -> ExitCode:
    results = outcome.results
    if not all(check.holds for check in outcome.checks):
        return ExitCode.FAILED
    if results.heatmaps:
        return ExitCode.DONE
    return ExitCode.DECLINED if results.declined and not results.findings else ExitCode.FAILED
