"""A search for better numbers of a recipe: keras-tuner says what to try, and each trial is a short run of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras_tuner

from training.data.cohorts import Example
from training.learning import checkpoint
from training.learning.lesson import Framing, prepare
from training.learning.recipe import Recipe, load_recipe, save_recipe, with_values
from training.learning.search_space import Choices
from training.learning.teaching import Diverged, teach
from training.learning.watch import SHOWN_IMAGES_MIN

OBJECTIVE = keras_tuner.Objective("auc", direction="max")
# Hyperband gives its survivors 3, 9, 27 times the steps of its first round; all of them are the recipe's.
ROUNDS = 27
HYPERBAND_ITERATIONS_MAX = 100
# The AUC of a trial whose numbers could not be learned with.
WORST = 0.0
METHODS: dict[str, tuple[Callable[..., Any], dict[str, int]]] = {
    "random": (keras_tuner.oracles.RandomSearchOracle, {}),
    "bayesian": (keras_tuner.oracles.BayesianOptimizationOracle, {}),
    "hyperband": (
        keras_tuner.oracles.HyperbandOracle,
        {"max_epochs": ROUNDS, "hyperband_iterations": HYPERBAND_ITERATIONS_MAX},
    ),
}
RunTrial = Callable[[str, Mapping[str, Any]], float]
FramingOf = Callable[[Recipe], Framing | None]


def begin_search(folder: Path, recipe: Recipe) -> None:
    """Make the folder; refuse to go on in one whose trials were of another recipe or another number of steps."""
    kept = folder / "recipe.yaml"
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        save_recipe(kept, recipe)
    elif load_recipe(kept) != recipe:
        raise SystemExit(f"{folder}: its trials are of another recipe (see recipe.yaml there); give another --name")


def search(
    recipe: Recipe, examples: Sequence[Example], method: str, trials: int, folder: Path, framing_of: FramingOf
) -> list[Any]:
    """Run up to `trials` trials of `method` below `folder`; those of an earlier, interrupted call count.

    framing_of: what cuts out the frame that the recipe of a trial has, or None where it has none. Returns the trials of
    keras-tuner that came to a score, the best one first.
    """
    kind, more = METHODS[method]
    oracle = kind(objective=OBJECTIVE, seed=recipe.seed, hyperparameters=space(recipe), **more)
    oracle.max_trials = trials  # Hyperband takes no such argument
    _RunTuner(Trials(recipe, examples, folder, framing_of).run, oracle, folder).search()
    scored = [trial for trial in oracle.trials.values() if trial.score is not None]
    return sorted(scored, key=lambda trial: -float(trial.score))


def space(recipe: Recipe) -> keras_tuner.HyperParameters:
    """The recipe's search space; of choices, whose values may be lists, the tuner sees the number."""
    declared = keras_tuner.HyperParameters()
    for path, setting in recipe.search.items():
        if isinstance(setting, Choices):
            declared.Choice(path, list(range(len(setting.choices))))
        else:
            declared.Float(path, setting.low, setting.high, sampling=setting.scale)
    return declared


def chosen(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the tuner's `values` stand for; what the tuner notes for itself is left out."""
    settings = {}
    for path, setting in recipe.search.items():
        value = values[path]
        settings[path] = setting.choices[value] if isinstance(setting, Choices) else value
    return settings


class Trials:
    """Short runs below `folder`, each a new one or the continuation of one that Hyperband lets live."""

    def __init__(self, recipe: Recipe, examples: Sequence[Example], folder: Path, framing_of: FramingOf) -> None:
        self._recipe, self._examples, self._folder = recipe, examples, folder
        self._framing_of = framing_of

    def run(self, number: str, values: Mapping[str, Any]) -> float:
        """The mean AUC over the cohorts of val; WORST where nothing could be learned."""
        steps = max(1, round(self._recipe.steps * values.get("tuner/epochs", ROUNDS) / ROUNDS))
        settings = chosen(self._recipe, values) | {"search": {}, "steps": steps, "report_steps": steps}
        recipe = with_values(self._recipe, settings | {"early_stopping": None})
        run = self._folder / f"trial-{number}"
        run.mkdir(parents=True, exist_ok=True)
        save_recipe(run / "recipe.yaml", recipe)
        before = self._folder / f"trial-{values.get('tuner/trial_id')}" / checkpoint.FILE
        if before.is_file():
            (run / checkpoint.FILE).write_bytes(before.read_bytes())
        lesson = prepare(recipe, self._examples, self._framing_of(recipe))
        try:
            teach(lesson, run, resume=before.is_file())
        except Diverged as error:
            print(f"trial {number}: {error}")
            return WORST
        return lesson.watch.mean(lesson.scores(), SHOWN_IMAGES_MIN)


class _RunTuner(keras_tuner.Tuner):  # type: ignore[misc]  # keras-tuner has no types, and calls what a subclass says
    """Asks the oracle what to try and hands it to `run_trial`, until there is nothing left to try."""

    def __init__(self, run: RunTrial, oracle: Any, folder: Path) -> None:
        super().__init__(oracle=oracle, directory=str(folder), project_name="keras-tuner")
        self._run = run

    def run_trial(self, trial: Any, *_: Any, **__: Any) -> dict[str, float]:
        return {OBJECTIVE.name: self._run(trial.trial_id, trial.hyperparameters.values)}
