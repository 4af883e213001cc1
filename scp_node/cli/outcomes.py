"""Shows what comes of analysed files, one after the other, with a progress bar where a person waits."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from scp_node.analysis.predictor import Outcome, Prediction
from scp_node.errors import ExitCode


class Show(Protocol):
    """Something that takes predictions one by one, in the order of the files."""

    def add(self, path: Path, prediction: Prediction) -> None: ...

    def end(self) -> None: ...


def show_outcomes(
    outcomes: Iterable[tuple[Path, Outcome]], total: int, shows: Sequence[Show], command: str
) -> ExitCode:
    """Show each outcome as it comes, and count them at the end; returns the exit code of it all."""
    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    analysed = declined = failed = 0
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("Analysing", total=total)
        for path, outcome in outcomes:
            if isinstance(outcome, Prediction):
                for show in shows:
                    show.add(path, outcome)
                analysed, declined = analysed + (outcome.declined is None), declined + (outcome.declined is not None)
            else:
                failed += 1
                console.print(f"hilum {command}: {path}: {outcome.code}: {outcome}")
            progress.advance(task)
    for show in shows:
        show.end()
    console.print(f"{analysed} analysed, {declined} declined, {failed} failed. Research use only, not for diagnosis.")
    if failed:
        return ExitCode.FAILED
    return ExitCode.DECLINED if declined and not analysed else ExitCode.DONE
