"""`hilum demo`: the main job once, from radiograph to report, on this machine."""

from __future__ import annotations

from contextlib import AbstractContextManager
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
        bool, typer.Option("--keep", help="Keep the node's folder too (configuration, ledger, spool, log).")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for results; nothing else is written.")] = Path("hilum-demo"),
    timeout: Annotated[float, typer.Option(min=5, max=3600, help="Seconds to wait for the results.")] = 120.0,
) -> None:
    """Start the node and a small archive on free ports of this machine, send one study, and show what comes back.

    Exit 0 when report and heat map arrived and belong to the study, 3 when no image of it could be analysed, else 1.
    """
    outcome = run_demo(study, out, keep, timeout, Terminal())
    raise typer.Exit(ExitCode.FAILED if outcome is None else _tell(outcome))


class Terminal:
    """Shows how far the demonstration is."""

    def working(self, text: str) -> AbstractContextManager[object]:
        return terminal.working(text)

    def say(self, text: str, style: str = "") -> None:
        terminal.say(text, style)


def _tell(outcome: DemoOutcome) -> ExitCode:
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
    if not all(check.holds for check in outcome.checks):
        return ExitCode.FAILED
    if results.heatmaps:
        return ExitCode.DONE
    if results.declined and not results.findings:
        say()
        say("No image of this study was analysed: there is a report, and no heat map.", "yellow")
        return ExitCode.DECLINED
    say()
    say("There is a report, but no heat map.", "red")
    return ExitCode.FAILED
