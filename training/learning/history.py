"""What a run tells of itself on the way: history.jsonl, curves for TensorBoard, and a bar on the console."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from training.learning.event_log import EventLog

HISTORY, CURVES = "history.jsonl", "curves"


class History:
    """A continued run adds to the file and to the curves that are there; another one writes them anew."""

    def __init__(self, run: Path, name: str, steps: int, steps_before: int, resume: bool) -> None:
        self._curves = EventLog(run / CURVES)
        self._file = (run / HISTORY).open("a" if resume else "w", encoding="utf-8")
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, TextColumn("{task.fields[figures]}"))
        self._task = self._bar.add_task(name, total=steps, completed=steps_before, figures="")

    def __enter__(self) -> History:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self._file.close()
        self._curves.close()

    def step(self, steps: int) -> None:
        self._bar.update(self._task, completed=steps)

    def report(self, record: Mapping[str, float]) -> None:
        """One line of history: `step`, `seconds`, `loss` and the figures of val."""
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()
        figures = {name: figure for name, figure in record.items() if name not in ("step", "seconds")}
        self._curves.scalars(int(record["step"]), figures)
        self._bar.update(self._task, figures=f"loss {record['loss']:.3f}")
        self.say(json.dumps(record))

    def say(self, text: str) -> None:
        self._bar.console.print(text, soft_wrap=True, highlight=False)
