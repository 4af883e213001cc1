"""The loop of a run: learn batch after batch, look at the validation split now and then, be killed and go on."""

from __future__ import annotations

import json
import math
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from training.learning import checkpoint
from training.learning.batches import BatchSource
from training.learning.checkpoint import Progress
from training.learning.event_log import EventLog
from training.learning.learner import Learner
from training.learning.recipe import Recipe
from training.learning.watch import Watch

PREDICT_BATCH = 128
LEARNING_RATE_SHARE_MIN = 0.01


class Diverged(SystemExit):
    """The loss is infinite or not a number: nothing more is learned, and the weights are lost."""


@dataclass(frozen=True)
class Lesson:
    """What a loop works with. inputs: the validation images as the network takes them, [n, H, W, 1]."""

    recipe: Recipe
    learner: Learner
    source: BatchSource
    watch: Watch
    inputs: NDArray[np.float32]

    def scores(self) -> NDArray[np.float32]:
        """[n, findings]: what the averaged network says of the validation images."""
        answer = self.learner.average().predict(self.inputs, batch_size=PREDICT_BATCH, verbose=0)
        return np.asarray(answer[0], dtype=np.float32)


def teach(lesson: Lesson, run: Path, minutes: float = math.inf, resume: bool = False) -> Progress:
    """Take the recipe's steps, or end the schedule by `minutes`; leave history.jsonl, curves and a checkpoint in `run`.

    SIGINT and SIGTERM end it after the step in hand, with a checkpoint, by SystemExit. With early stopping the averaged
    network has the best weights afterwards. Raises Diverged where there is no loss any more; the checkpoint before
    stays.
    """
    recipe, learner = lesson.recipe, lesson.learner
    progress = Progress()
    if resume:
        progress, state = checkpoint.load(run)
        learner.restore(state)
    started = time.monotonic() - progress.elapsed_s
    losses: list[float] = []
    with (
        EventLog(run / "curves") as curves,
        (run / "history.jsonl").open("a" if resume else "w", encoding="utf-8") as history,
        _Interruption() as interruption,
        _bar(recipe) as bar,
    ):
        task = bar.add_task(recipe.name, total=recipe.steps, completed=progress.steps, figures="")
        for number, batch in enumerate(lesson.source.batches(recipe.steps, progress.steps), progress.steps):
            share = max(number / recipe.steps, (time.monotonic() - started) / 60 / minutes)
            if share >= 1 or _given_up(recipe, progress):
                break
            losses.append(learner.step(batch, number, learning_rate(recipe, number, share)))
            if not math.isfinite(losses[-1]):
                raise Diverged(f"step {number + 1}: the loss is {losses[-1]}; a lower learning_rate may help")
            progress.steps, progress.elapsed_s = number + 1, time.monotonic() - started
            bar.update(task, completed=progress.steps)
            if progress.steps % recipe.report_steps == 0:
                record = _report(lesson, progress, float(np.mean(losses)))
                losses.clear()
                history.write(json.dumps(record) + "\n")
                history.flush()
                curves.scalars(progress.steps, {k: v for k, v in record.items() if k not in ("step", "seconds")})
                bar.update(task, figures=f"loss {record['loss']:.3f}")
                bar.console.print(json.dumps(record), soft_wrap=True, highlight=False)
                checkpoint.save(run, progress, learner.state())
                if _given_up(recipe, progress):
                    bar.console.print(f"no gain since step {progress.best_step}")
            if interruption.wanted:
                checkpoint.save(run, progress, learner.state())
                raise SystemExit(f"interrupted after step {progress.steps}; the same command with --resume goes on")
    checkpoint.save(run, progress, learner.state())
    learner.average()
    if recipe.early_stopping and progress.best_weights:
        learner.averaged.set_weights(progress.best_weights)
    return progress


def _given_up(recipe: Recipe, progress: Progress) -> bool:
    """Whether val has had no gain for so long that the run ends; a resumed run asks it first."""
    rule = recipe.early_stopping
    return rule is not None and progress.reports_without_gain >= rule.patience


def learning_rate(recipe: Recipe, step: int, progress: float) -> float:
    """Linear warm-up, then a half cosine down to a hundredth."""
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    return recipe.learning_rate * min(1.0, (step + 1) / recipe.warmup_steps) * max(LEARNING_RATE_SHARE_MIN, cosine)


def _report(lesson: Lesson, progress: Progress, loss: float) -> dict[str, Any]:
    """One line of history; notes in `progress` whether the averaged network has become better."""
    scores = lesson.scores()
    record: dict[str, Any] = {"step": progress.steps, "seconds": round(progress.elapsed_s), "loss": round(loss, 4)}
    record |= lesson.watch.figures(scores)
    rule = lesson.recipe.early_stopping
    if rule:
        mean = lesson.watch.mean(scores, rule.images_min)
        if mean > progress.best:
            progress.best, progress.best_step, progress.reports_without_gain = mean, progress.steps, 0
            progress.best_weights = lesson.learner.averaged.get_weights()
        else:
            progress.reports_without_gain += 1
        record["mean"] = round(mean, 4)
    return record


def _bar(recipe: Recipe) -> Bar:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Bar(*columns, TextColumn("{task.fields[figures]}"))


class _Interruption:
    """Ctrl-C and SIGTERM set a flag instead of ending the process in the middle of a step."""

    def __init__(self) -> None:
        self.wanted = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> _Interruption:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, *_: object) -> None:
        self.wanted = True
