"""Make a run whose weights are the mean of those of other runs.

A run that starts from another one and learns on gains on what it was taught and loses elsewhere; weights between the
two often keep both, at no cost in service (Wortsman et al., Robust fine-tuning of zero-shot models, 2022). The recipe
is that of the last run; batch statistics are taken again from its train films.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from training.commands.arguments import add_data_argument
from training.data.recipe_data import folders, load_recipe_data
from training.data.remembered import RUNS, remember
from training.data.splits import save_split, select
from training.learning.batch_statistics import re_estimate
from training.learning.lesson import answers, network_inputs
from training.learning.mean_weights import mean_of
from training.learning.recipe import load_recipe, save_recipe
from training.learning.run_folder import WEIGHTS, earlier_stages, refuse_existing, save_outcome
from training.learning.watch import Watch
from training.lungs.framing import framing_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("parts", type=part, nargs="+", metavar="RUN[=SHARE]", help="shares add up to 1")
    parser.add_argument("--name", required=True, help="the run's folder under --runs")
    parser.add_argument("--runs", type=Path, default=RUNS)
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    # 1. arguments
    parts = shares(arguments.parts)
    last, folder = parts[-1][0], arguments.runs / arguments.name
    refuse_existing(folder)

    # 2. data and network
    recipe = load_recipe(last / "recipe.yaml")
    examples = load_recipe_data(recipe.cohorts, arguments.data, last)
    learning, watched = (select(examples, split, recipe.cohorts) for split in ("train", "val"))
    network = mean_of(parts)
    framing = framing_of(recipe)
    if recipe.batch_statistics == "films":
        re_estimate(network, recipe, learning, network_inputs(recipe, learning, framing))

    # 3. report
    figures = Watch(recipe, watched).figures(answers(network, network_inputs(recipe, watched, framing)))
    told = " + ".join(f"{share:g} of {one.name}" for one, share in parts)
    stages = [*earlier_stages(last), f"mean of weights: {told}"]
    folder.mkdir(parents=True)
    save_recipe(folder / "recipe.yaml", recipe)
    save_split(folder / "split.csv", examples, folder)
    remember(folder, folders(recipe.cohorts, arguments.data, last), examples)
    network.save(folder / WEIGHTS)
    outcome = save_outcome(folder, stages, val_auc=figures)
    print(f"{folder / WEIGHTS}: {json.dumps(outcome)}")


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
