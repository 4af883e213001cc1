"""python -m training mean-weights RUN[=SHARE] RUN[=SHARE] ... --name NAME: a run whose weights are the mean of others'.

A run that starts from another one and learns on gains on what it was taught and loses elsewhere; weights between the
two often keep both, at no cost in service (Wortsman et al., Robust fine-tuning of zero-shot models, 2022; Model
soups, 2022). Only runs of one line have such a mean: weights that never were the same do not match place by place.
The recipe is that of the last run; batch statistics are taken again from its train films.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from training.commands.train import RUNS, earlier_stages
from training.data.images import channels_last, load_model_inputs
from training.data.recipe_data import add_data_argument, load_recipe_data
from training.data.splits import save_split, select
from training.learning.batch_statistics import re_estimate
from training.learning.recipe import load_recipe, save_recipe
from training.learning.teaching import PREDICT_BATCH
from training.learning.watch import Watch


def main() -> None:
    # 1. arguments
    parser = argparse.ArgumentParser(prog="python -m training mean-weights", description=__doc__)
    parser.add_argument("parts", type=part, nargs="+", metavar="RUN[=SHARE]", help="shares add up to 1")
    parser.add_argument("--name", required=True, help="the run's folder under --runs")
    parser.add_argument("--runs", type=Path, default=RUNS)
    add_data_argument(parser)
    arguments = parser.parse_args()
    parts = shares(arguments.parts)
    last, run = parts[-1][0], arguments.runs / arguments.name
    if run.exists():
        raise SystemExit(f"{run}: a run of this name exists; give another --name")

    # 2. data and network
    recipe = load_recipe(last / "recipe.yaml")
    examples = load_recipe_data(recipe.cohorts, arguments.data, last / "split.csv")
    learning, watched = (select(examples, split, recipe.cohorts) for split in ("train", "val"))
    network = mean_of(parts)
    re_estimate(network, recipe, learning, channels_last(load_model_inputs(learning, recipe.input), recipe.input))

    # 3. report
    inputs = channels_last(load_model_inputs(watched, recipe.input), recipe.input)
    scores = network.predict(inputs, batch_size=PREDICT_BATCH, verbose=0)[0]
    said = " + ".join(f"{share:g} of {one.name}" for one, share in parts)
    outcome = {
        "stages": [*earlier_stages(last), f"mean of weights: {said}"],
        "seconds": 0,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "val_auc": Watch(recipe, watched).figures(scores),
    }
    run.mkdir(parents=True)
    save_recipe(run / "recipe.yaml", recipe)
    save_split(run / "split.csv", examples, run)
    network.save(run / "weights.keras")
    (run / "outcome.json").write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    print(f"{run / 'weights.keras'}: {json.dumps(outcome)}")


def part(text: str) -> tuple[Path, float | None]:
    """RUN or RUN=SHARE; raises argparse.ArgumentTypeError where SHARE is no number above 0 and at most 1."""
    run, equals, share = text.rpartition("=")
    if not equals:
        return Path(text), None
    try:
        value = float(share)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"'{share}' is no share: a number above 0 and at most 1")
    return Path(run), value


def shares(parts: Sequence[tuple[Path, float | None]]) -> list[tuple[Path, float]]:
    """Each run with its share; ends the program where some have one and some not, or they do not add up to 1."""
    given = [share for _, share in parts if share is not None]
    if len(parts) < 2 or len(given) not in (0, len(parts)):
        raise SystemExit("a mean needs two runs at least, each with a share or none with one")
    if given and abs(sum(given) - 1) > 1e-6:
        raise SystemExit(f"the shares add up to {sum(given):g}, not to 1")
    return [(run, 1 / len(parts) if share is None else share) for run, share in parts]


def mean_of(parts: Sequence[tuple[Path, float]]) -> keras.Model:
    """A network with the weighted mean of every weight; ends the program where the runs are of different networks."""
    networks = [keras.models.load_model(run / "weights.keras", compile=False) for run, _ in parts]
    weights = [network.get_weights() for network in networks]
    shapes = [[weight.shape for weight in one] for one in weights]
    for (run, _), found in zip(parts, shapes, strict=True):
        if found != shapes[-1]:
            raise SystemExit(f"{run}: another network than that of {parts[-1][0]}")
    together = zip(*weights, strict=True)
    means = [sum(share * one for (_, share), one in zip(parts, each, strict=True)) for each in together]
    networks[-1].set_weights(means)
    return networks[-1]


if __name__ == "__main__":
    main()
