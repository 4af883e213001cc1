"""Measure whether the size or aspect of a film gives its label away.

On the children's films the area alone separates the classes. Without a package: how well area, width and aspect alone
tell each finding of a cohort. With one: does its network profit from them? Each film is given the size of another one
drawn at random, or by black bars its aspect; where the AUC moves by more than 0.005 the command exits with 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from training.data.cohorts import Cohort, Example, cohort_at
from training.data.splits import divide, with_saved_split
from training.judging.size_leak import AUC_SHIFT_MAX, measure_size_leak, moved, separable, size_alone, stored_shape
from training.packaging.manifest_file import read_manifest
from training.packaging.package_folder import read_graph


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a cohort, as python -m training cohorts lists it")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--package", type=Path)
    parser.add_argument("--split", default="devtest", help="the films that a package is measured on (default: devtest)")
    parser.add_argument("--run", type=Path, help="the run whose split.csv says what devtest is")


def run(arguments: argparse.Namespace) -> None:
    cohort = cohort_at(arguments.name, arguments.folder)
    examples = cohort.load(arguments.folder)
    if arguments.package is None:
        tell_of_cohort(cohort, examples)
        return
    divided = divide(examples) if arguments.run is None else with_saved_split(arguments.run / "split.csv", examples)
    films = [example for example in divided if example.split == arguments.split]
    if leaks(arguments.package, cohort, films):
        raise SystemExit(1)


def tell_of_cohort(cohort: Cohort, examples: Sequence[Example]) -> None:
    shapes = [stored_shape(example.path) for example in examples]
    for finding, positive in separable(examples, cohort.findings):
        print(f"{finding}: {line(size_alone(positive, shapes))}")


def leaks(package: Path, cohort: Cohort, films: Sequence[Example]) -> bool:
    """Whether the AUC of a finding of `package` moves with the size or aspect of `films`; prints the figures."""
    manifest = read_manifest(package)
    graph, names = read_graph(package, manifest), [finding.name for finding in manifest.findings]
    found = False
    for finding, _ in separable(films, [name for name in names if name in cohort.findings]):
        figures = measure_size_leak(films, graph, manifest.input, finding=finding, output=names.index(finding))
        print(f"{finding}, {len(films)} films: {line(figures)}; moved by more than {AUC_SHIFT_MAX}: {moved(figures)}")
        found = found or bool(moved(figures))
    return found


def line(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {figure:.4f}" for name, figure in figures.items())
