"""The loop of a run: learn batch after batch, look at the validation split now and then, be killed and go on."""

from __future__ import annotations

import math
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from training.learning import checkpoint
from training.learning.batches import Batch
from training.learning.checkpoint import Progress
from training.learning.history import History
from training.learning.lesson import Lesson
from training.learning.recipe import Recipe

LEARNING_RATE_SHARE_MIN = 0.01


class Diverged(SystemExit):
    """The loss is infinite or not a number: nothing more is learned, and the weights are lost."""


def teach(lesson: Lesson, run: Path, minutes: float = math.inf, resume: bool = False) -> Progress:
    """Take the recipe's steps, or end the schedule by `minutes`; leave history.jsonl, curves and a checkpoint in `run`.

    SIGINT and SIGTERM end it after the step in hand, with a checkpoint, by SystemExit. With early stopping the averaged
    network has the best weights afterwards. Raises Diverged where there is no loss any more; the checkpoint before
    stays.
    """
    recipe, learner = lesson.recipe, lesson.learner
    progress = _progress_of(lesson, run) if resume else Progress()
    started = time.monotonic() - progress.elapsed_s
    losses: list[float] = []
    with (
        History(run, recipe.name, recipe.steps, progress.steps, resume) as history,
        _Interruption() as interruption,
    ):
        for number, batch in enumerate(lesson.source.batches(recipe.steps, progress.steps), progress.steps):
            share = max(number / recipe.steps, (time.monotonic() - started) / 60 / minutes)
            if share >= 1 or _given_up(recipe, progress):
                break
            losses.append(_step(lesson, batch, number, share))
            progress.steps, progress.elapsed_s = number + 1, time.monotonic() - started
            history.step(progress.steps)
            if progress.steps % recipe.report_steps == 0:
                history.report(_report(lesson, progress, float(np.mean(losses))))
                losses.clear()
                checkpoint.save(run, progress, learner.state())
                if _given_up(recipe, progress):
                    history.say(f"no gain since step {progress.best_step}")
            if interruption.wanted:
                checkpoint.save(run, progress, learner.state())
                raise SystemExit(f"interrupted after step {progress.steps}; the same command with --resume goes on")
    checkpoint.save(run, progress, learner.state())
    learner.average()
    if recipe.early_stopping and progress.best_weights:
        learner.averaged.set_weights(progress.best_weights)
    return progress


def _progress_of(lesson: Lesson, run: Path) -> Progress:
    """How far `run` had come when its last checkpoint was written; the learner takes its state from there."""
    progress, state = checkpoint.load(run)
    lesson.learner.restore(state)
    return progress


def _step(lesson: Lesson, batch: Batch, number: int, share: float) -> float:
    """The loss of one step of gradient descent, `share` of the way through the schedule."""
    loss = lesson.learner.step(batch, number, learning_rate(lesson.recipe, number, share))
    if not math.isfinite(loss):
        raise Diverged(f"step {number + 1}: the loss is {loss}; a lower learning_rate may help")
    return loss


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
