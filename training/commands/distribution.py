"""Measure what films, scores and maps of a package are like, into its manifest.

A node compares its own with it (scp_node.monitoring.drift) and colours maps by it. `package` does so by itself; this is
for earlier packages.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.arguments import add_data_argument
from training.data.images import load_model_inputs
from training.data.recipe_data import load_recipe_data
from training.data.remembered import run_of
from training.data.splits import select
from training.packaging.distribution import distribution_of
from training.packaging.manifest_file import read_manifest, write_manifest
from training.packaging.map_scale import map_scales
from training.packaging.package_folder import MANIFEST, read_graph
from training.packaging.scores import score


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="models/NAME/VERSION")
    parser.add_argument("--cohorts", nargs="+", required=True, help="whose val films the package was calibrated on")
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    manifest = read_manifest(arguments.folder)
    cohorts = dict.fromkeys(arguments.cohorts)
    films = select(load_recipe_data(cohorts, arguments.data, run_of(manifest.provenance)), "val", cohorts)
    graph = read_graph(arguments.folder, manifest)
    scores = score(graph, load_model_inputs(films, manifest.input))
    names, fitted_on = [finding.name for finding in manifest.findings], f"{'+'.join(cohorts)} val"
    measured = distribution_of(fitted_on, names, manifest.input, films, scores.probability)
    thresholds = [finding.operating_threshold for finding in manifest.findings]
    findings = tuple(
        finding.model_copy(update={"map_scale": scale})
        for finding, scale in zip(
            manifest.findings, map_scales(scores, manifest.input, thresholds, fitted_on), strict=True
        )
    )
    changed = manifest.model_copy(update={"distribution": measured, "findings": findings})
    write_manifest(arguments.folder / MANIFEST, changed)
    print(f"{arguments.folder}: {measured.images} films of {measured.fitted_on}")
