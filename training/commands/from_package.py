"""Make a run to start from, out of a model package's weights.

Whoever has a package and no run of it can refine it on films of their own: the run that lands in training/runs/NAME is
one for --start-from. RECIPE names a network of the package's shape; its input may have another size. Of a package that
looks at a frame, what outlines the lungs comes with it, as NAME/lungs, which the recipe's frame.lungs may name; its
input gate comes as NAME/gate, for `package --gate`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from converter.package.manifest import Manifest
from training.commands.arguments import add_data_argument
from training.data.recipe_data import load_recipe_data
from training.data.remembered import RUNS
from training.data.splits import select, spread
from training.gate.packaged import write_run as write_gate
from training.learning.learner import Learner
from training.learning.lesson import network_inputs
from training.learning.recipe import Recipe, load_recipe, save_recipe
from training.learning.run_folder import WEIGHTS, refuse_existing, save_outcome
from training.lungs.attach import is_framed, outline_of
from training.lungs.framing import framing_of
from training.lungs.packaged import write_run
from training.packaging.manifest_file import read_manifest
from training.packaging.package_folder import read_graph
from training.packaging.package_weights import take_over

# At most so many films of the train split, evenly taken, by which the batch statistics are measured.
FILMS_MAX = 640
LUNGS, GATE = "lungs", "gate"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="models/NAME/VERSION")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--name", required=True, help="the run's folder under --runs")
    parser.add_argument("--runs", type=Path, default=RUNS)
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    # 1. arguments
    folder = arguments.runs / arguments.name
    refuse_existing(folder)
    recipe, manifest = load_recipe(arguments.recipe), read_manifest(arguments.folder)
    graph = read_graph(arguments.folder, manifest)
    if (recipe.frame is not None) != is_framed(graph):
        framed, whole = arguments.folder, arguments.recipe
        if recipe.frame is not None:
            framed, whole = whole, framed
        raise SystemExit(f"{framed}: looks at a frame round the lungs, and {whole} at the whole film")

    # 2. data
    learning = select(load_recipe_data(recipe.cohorts, arguments.data), "train", recipe.cohorts)
    if not learning:
        raise SystemExit(f"no image of {', '.join(recipe.cohorts)} in train: no batch statistics can be measured")
    folder.mkdir(parents=True)

    # 3. network
    try:
        recipe = with_outline_of(graph, manifest, recipe, folder)
        if manifest.gate is not None:
            write_gate(folder / GATE, graph, manifest.gate)
        network = Learner(recipe).averaged
        take_over(network, graph, network_inputs(recipe, spread(learning, FILMS_MAX), framing_of(recipe)))
    except ValueError as error:
        shutil.rmtree(folder)
        raise SystemExit(f"{arguments.folder}: {error}") from error

    # 4. the run
    save_recipe(folder / "recipe.yaml", recipe)
    network.save(folder / WEIGHTS)
    made_by = f"the weights of {manifest.name} {manifest.version} ({manifest.provenance.recipe})"
    save_outcome(folder, [made_by])
    print(f"{folder}: a run to start from")


def with_outline_of(graph: bytes, manifest: Manifest, recipe: Recipe, folder: Path) -> Recipe:
    """`recipe` framed by the outline of the package, which is written below `folder`; without a frame, as it is."""
    if recipe.frame is None or manifest.lungs is None:
        return recipe
    write_run(folder / LUNGS, outline_of(graph), manifest.lungs)
    changed: Recipe = recipe.model_copy(update={"frame": recipe.frame.model_copy(update={"lungs": folder / LUNGS})})
    return changed
