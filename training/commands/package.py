"""Finish a run's network, calibrate it on val, and export it as a model package.

FOLDER (models/NAME/VERSION) gets model.onnx, reference.npz and manifest.yaml; `card` adds figures and CARD.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf

from converter.package.calibration import Calibration
from converter.package.evidence import CohortSummary, Parity
from converter.package.learned_films import BYTES_MAX as LEARNED_BYTES_MAX
from converter.package.learned_films import FILMS_MAX, packed
from converter.package.manifest import Manifest
from training.commands.arguments import add_data_argument
from training.data.cohorts import Example
from training.data.images import load_film_digests, load_model_inputs
from training.data.recipe_data import MADE, folders, load_recipe_data
from training.data.splits import select, spread
from training.gate.packaged import gated
from training.judging.map_shift import response_shift
from training.learning.batch_statistics import re_estimate
from training.learning.borrowed import refuse_borrowed
from training.learning.inheritance import refuse_inherited
from training.learning.left_open import refuse_left_open
from training.learning.lesson import network_inputs
from training.learning.recipe import Recipe, load_recipe
from training.learning.run_folder import WEIGHTS, outcome_of
from training.lungs.framing import LungFraming, framing_of
from training.packaging.both_sides import both_sides
from training.packaging.calibrate import choose_calibration
from training.packaging.deciding import Deciding, deciding_films
from training.packaging.distribution import distribution_of
from training.packaging.export import prove_parity, reference_inputs, to_onnx
from training.packaging.fold import fold
from training.packaging.manifest_file import name_and_version
from training.packaging.map_scale import map_scales
from training.packaging.operating_point import ThresholdChoice, choose_operating_point
from training.packaging.package_folder import write_package
from training.packaging.run_manifest import Packaged, cohort_summary, run_manifest
from training.packaging.scored import of_finding
from training.packaging.scores import Array, GraphScores, logits, score

BYTES_MAX = 12_000_000
# So many films say where a map lies.
PLACED_FILMS = 24


class Films(NamedTuple):
    """The images of a run by what they are for: batch statistics, calibration and threshold, parity."""

    learned: list[Example]
    deciding: list[Example]
    unseen: list[Example]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--no-film-digests",
        action="store_true",
        help="leave out learned.bin, by which whoever judges the package sees whether it knew their films",
    )
    parser.add_argument("--gate", type=Path, metavar="RUN", help="the input gate of python -m training gate fit RUN")
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    # 1. arguments
    label = name_and_version(arguments.folder)
    outcome, recipe = outcome_of(arguments.run), load_recipe(arguments.run / "recipe.yaml")
    refuse_unfit(arguments.run, recipe, arguments.data)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)

    # 2. data: as the node would see it
    films = films_of(recipe, arguments.data, arguments.run)
    deciding, framing = deciding_films(recipe, films.deciding), framing_of(recipe)

    # 3. the averaged network, finished, each finding calibrated
    network = finished(arguments.run, recipe, films.learned, framing)
    raised_rows = raised_rows_of(network, recipe, films.learned)
    calibrations = calibrate(network, recipe, deciding, framing, raised_rows)

    # 4. the graph, proven
    graph, parity = exported(fold(network, calibrations, raised_rows), recipe, films.unseen, framing)
    graph, gate = gated(graph, recipe.input, arguments.gate) if arguments.gate else (graph, None)
    refuse_large(graph)

    # 5. what it says of the films that decide
    scores = score(graph, deciding.inputs)
    choices = choose_thresholds(recipe, deciding.examples, scores.probability)
    plain = GraphScores(scores.probability[: deciding.plain], scores.cam[: deciding.plain])
    scales = map_scales(plain, recipe.input, [one.threshold for one in choices], fitted_on(recipe))
    distribution = distribution_of(
        fitted_on(recipe), recipe.finding_names, recipe.input, films.deciding, plain.probability
    )

    # 6. the package
    cohorts = cohorts_of(recipe, arguments.data, arguments.run, films.learned)
    learned = None if arguments.no_film_digests else learned_of(films)
    lungs = None if framing is None else framing.section
    made = Packaged(graph, calibrations, choices, scales, parity, distribution, gate, learned, lungs)
    manifest = run_manifest(label, recipe, outcome, cohorts, made)
    write_package(arguments.folder, manifest, graph, reference_inputs(recipe.input), learned=learned)
    tell(arguments.folder, manifest, len(graph))


def refuse_unfit(run: Path, recipe: Recipe, data: Sequence[str]) -> None:
    """Ends the program where the recipe says what is not its own, or leaves open what a package says."""
    refuse_inherited(run, recipe.inherited)
    refuse_borrowed(run, recipe)
    refuse_left_open(run, recipe, data)


def refuse_large(graph: bytes) -> None:
    if len(graph) > BYTES_MAX:
        raise SystemExit(f"the graph has {len(graph)} bytes, more than {BYTES_MAX}")


def films_of(recipe: Recipe, data: Sequence[str], run: Path) -> Films:
    """Ends the program where one of the three has no images."""
    examples = load_recipe_data(recipe.cohorts, data, run)
    learned, unseen = (select(examples, split, recipe.cohorts) for split in ("train", "devtest"))
    deciding = select(examples, "val", recipe.operating_point.decided_on)
    if not (learned and deciding and unseen):
        raise SystemExit(
            f"{len(learned)} images of train, {len(deciding)} of val that decide, {len(unseen)} of devtest: a "
            "package needs some of each"
        )
    return Films(learned, deciding, unseen)


def finished(run: Path, recipe: Recipe, learned: Sequence[Example], framing: LungFraming | None) -> keras.Model:
    """The averaged network of `run`, with batch statistics of films as they are where the recipe wants them."""
    network = keras.models.load_model(run / WEIGHTS, compile=False)
    if recipe.batch_statistics == "films":
        re_estimate(network, recipe, learned, network_inputs(recipe, learned, framing))
    return network


def raised_rows_of(network: keras.Model, recipe: Recipe, learned: Sequence[Example]) -> int | None:
    """By how many rows the map of both sides lies too low, on films of train; None where a film is looked at once."""
    if not recipe.mirrored:
        return None
    inputs = load_model_inputs(spread(learned, PLACED_FILMS), recipe.input)
    _, low = response_shift(to_onnx(both_sides(network), recipe.input), inputs, recipe.input)
    print(f"the map lies {low:.1f} pixels too low over {len(inputs)} films: the picture is raised by as many")
    return round(low)


def calibrate(
    network: keras.Model,
    recipe: Recipe,
    deciding: Deciding,
    framing: LungFraming | None,
    raised_rows: int | None = None,
) -> list[Calibration]:
    whole = network if raised_rows is None else both_sides(network, raised_rows)
    raw = logits(score(serving_graph(whole, recipe, framing), deciding.inputs).cam, recipe.input.layout)
    told = fitted_on(recipe) + changed_too(recipe)
    return [
        choose_calibration(of_finding(name, deciding.examples, raw[:, place]), told, recipe.seed)
        for place, name in enumerate(recipe.finding_names)
    ]


def serving_graph(network: keras.Model, recipe: Recipe, framing: LungFraming | None) -> bytes:
    graph = to_onnx(network, recipe.looked_at)
    return graph if framing is None else framing.for_serving(graph)


def exported(
    network: keras.Model, recipe: Recipe, unseen: Sequence[Example], framing: LungFraming | None
) -> tuple[bytes, Parity]:
    """The graph for serving, and how far the part that learned is from what Keras says."""
    whole = load_model_inputs(unseen, recipe.input)
    inputs = (whole,) if framing is None else framing.framed(whole)
    parity = prove_parity(network, to_onnx(network, recipe.looked_at), inputs, recipe.looked_at, "devtest")
    return serving_graph(network, recipe, framing), parity


def choose_thresholds(recipe: Recipe, deciding: Sequence[Example], probability: Array) -> list[ThresholdChoice]:
    rule = recipe.operating_point
    choices = [
        choose_operating_point(
            of_finding(name, deciding, probability[:, place]), rule.guarded, rule.sensitivity_min, recipe.seed
        )
        for place, name in enumerate(recipe.finding_names)
    ]
    return [replace(one, films=f"val{changed_too(recipe)}") for one in choices]


def cohorts_of(recipe: Recipe, data: Sequence[str], run: Path, learned: Sequence[Example]) -> list[CohortSummary]:
    return [
        cohort_summary(name, select(learned, "train", [name]), (folder / MADE).exists())
        for name, folder in folders(recipe.cohorts, data, run).items()
    ]


def learned_of(films: Films) -> bytes | None:
    """learned.bin; None, with a word, where there are more films than it may hold."""
    content = packed(load_film_digests([*films.learned, *films.deciding]).tolist())
    if len(content) <= LEARNED_BYTES_MAX:
        return content
    print(f"learned.bin is left out: more than {FILMS_MAX:,} films")
    return None


def fitted_on(recipe: Recipe) -> str:
    return f"{'+'.join(recipe.operating_point.decided_on)} val"


def changed_too(recipe: Recipe) -> str:
    copies = recipe.operating_point.changed
    return f" and {copies} changed copies of each film" if copies else ""


def tell(folder: Path, manifest: Manifest, size: int) -> None:
    print(f"{folder}: {size:,} bytes")
    for finding in manifest.findings:
        print(f"{finding.name}: {finding.calibration.summary} ({finding.calibration.reason})")
        print(f"{finding.name}: threshold {finding.operating_threshold}, {finding.threshold_rule}")
    parity = manifest.provenance.parity
    if parity is not None:
        print(
            f"Keras and ONNX Runtime over {parity.images} devtest films: probability {parity.probability:.1e} at most"
        )
