"""Outline lungs: fit the network by outlines drawn by hand, measure it on held-out films, and look at sheets."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from training.commands.arguments import add_data_argument
from training.data.cohorts import Example
from training.data.images import load_training_images
from training.data.lung_masks import SIDE, outlined_films
from training.data.recipe_data import load_recipe_data
from training.lungs.measure import dice_of, sheet, summary
from training.lungs.packaged import outlines, read_graph, write_spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_argument(parser)
    parser.add_argument(
        "--cohorts", nargs="+", default=["kermany224"], help="whose outlines are learned from and measured by"
    )
    steps = parser.add_subparsers(required=True, dest="step", metavar="STEP")
    step = steps.add_parser("fit", help="learn by the outlines of train, measure on devtest, write RUN")
    step.add_argument("run", type=Path, metavar="RUN")
    step.add_argument("--steps", type=int, default=2400)
    step.add_argument("--seed", type=int, default=5)
    step.set_defaults(take=fit_lungs)
    step = steps.add_parser("measure", help="measure RUN again on devtest")
    step.add_argument("run", type=Path, metavar="RUN")
    step.add_argument("--sheet", type=Path, help="also write the films that were done worst there (PNG)")
    step.set_defaults(take=measure_lungs)
    step = steps.add_parser("sheet", help="a picture of films of COHORT with their outlines, to look at")
    step.add_argument("run", type=Path, metavar="RUN")
    step.add_argument("cohort", metavar="COHORT")
    step.add_argument("file", type=Path, metavar="PNG")
    step.add_argument("--films", type=int, default=100)
    step.add_argument("--seed", type=int, default=1)
    step.set_defaults(take=draw_sheet)


def run(arguments: argparse.Namespace) -> None:
    arguments.take(arguments)


def fit_lungs(arguments: argparse.Namespace) -> None:
    from training.lungs.fit import fit  # here, because measuring needs no TensorFlow
    from training.lungs.fitted import save

    network = fit(outlined_films(examples_of(arguments), "train"), arguments.steps, arguments.seed)
    save(arguments.run, network)
    arguments.sheet = None
    measure_lungs(arguments)


def measure_lungs(arguments: argparse.Namespace) -> None:
    examples = examples_of(arguments)
    films, learned = outlined_films(examples, "devtest"), outlined_films(examples, "train").examples
    said = outlines(read_graph(arguments.run), films.films)
    found = dice_of(said, films.masks)
    fit = summary(found)
    write_spec(arguments.run, Counter(one.cohort for one in learned), fit)
    print(json.dumps(fit.model_dump(), indent=1))
    if arguments.sheet:
        worst = np.argsort(found)[:50]
        captions = [f"{found[place]:.2f}" for place in worst]
        cv2.imwrite(str(arguments.sheet), sheet(films.films[worst], said[worst], captions))


def examples_of(arguments: argparse.Namespace) -> list[Example]:
    return load_recipe_data(arguments.cohorts, arguments.data)


def draw_sheet(arguments: argparse.Namespace) -> None:
    examples = load_recipe_data([arguments.cohort], arguments.data)
    rng = np.random.default_rng(arguments.seed)
    chosen = [examples[place] for place in rng.permutation(len(examples))[: arguments.films]]
    films = load_training_images(chosen, SIDE)
    cv2.imwrite(str(arguments.file), sheet(films, outlines(read_graph(arguments.run), films)))
