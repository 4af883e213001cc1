"""Shows what comes of analysed files, one after the other, with a progress bar where a person waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from scp_node.analysis.predictor import Outcome, Prediction
from scp_node.cli.terminal import progress, say
from scp_node.errors import ExitCode


class Show(Protocol):
    """Something that takes predictions one by one, in the order of the files."""

    def add(self, path: Path, prediction: Prediction) -> None: ...

    def end(self) -> None: ...


def show_outcomes(
    outcomes: Iterable[tuple[Path, Outcome]], total: int, shows: Sequence[Show], command: str
) -> ExitCode:
    """Show each outcome as it comes, and count them at the end; returns the exit code of it all."""
    analysed = declined = failed = 0
    with progress(error=True) as bar:
        task = bar.add_task("Analysing", total=total)
        for path, outcome in outcomes:
            if isinstance(outcome, Prediction):
                for show in shows:
                    show.add(path, outcome)
                analysed, declined = analysed + (outcome.declined is None), declined + (outcome.declined is not None)
            else:
                failed += 1
                say(f"hilum {command}: {path}: {outcome.code}: {outcome}", error=True)
            bar.advance(task)
    for show in shows:
        show.end()
    counts = f"{analysed} analysed, {declined} declined, {failed} failed"
    say(f"{counts}. Research use only, not for diagnosis.", error=True)
    if failed:
        return ExitCode.FAILED
    return ExitCode.DECLINED if declined and not analysed else ExitCode.DONE
