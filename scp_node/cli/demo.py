"""`hilum demo`: the main job once, from radiograph to report, on this machine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

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
    console = Console(soft_wrap=True)
    outcome = run_demo(study, out, keep, timeout, Terminal(console))
    raise typer.Exit(ExitCode.FAILED if outcome is None else _tell(outcome, console))


class Terminal:
    """Shows how far the demonstration is."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def working(self, text: str) -> AbstractContextManager[object]:
        return self._console.status(text)

    def say(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style, markup=False)


def _tell(outcome: DemoOutcome, console: Console) -> ExitCode:
    """Print what was found and where it is."""
    results = outcome.results
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
    for check in outcome.checks:
        console.print(f"  {'ok  ' if check.holds else 'FAIL'} {check.sentence}", style="" if check.holds else "red")
    console.print()
    for name, path in outcome.files:
        console.print(f"{name:24} {path}", soft_wrap=True, highlight=False)
    if not all(check.holds for check in outcome.checks):
        return ExitCode.FAILED
    if results.heatmaps:
        return ExitCode.DONE
    if results.declined and not results.findings:
        console.print("\nNo image of this study was analysed: there is a report, and no heat map.", style="yellow")
        return ExitCode.DECLINED
    console.print("\nThere is a report, but no heat map.", style="red")
    return ExitCode.FAILED
