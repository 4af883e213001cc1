"""Measure how long one image takes, with and without map and gate.

Compares on the CPU, in one interleaved run: the package's graph in ONNX Runtime, the same without gate, without map and
gate (its plain network), and with --recipe the recipe's network (untrained: times do not depend on weights) by Keras
`predict`, by calling it, and as a TensorFlow SavedModel. Medians, the 10th and 90th percentile, and ratios of medians;
by the clock, and by the processor's time, which other programs on the machine hardly change.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from pathlib import Path

import onnx

from training.commands.arguments import above_zero
from training.judging.latency import figures, keras_runs, measure, onnx_run, table, variants
from training.packaging.manifest_file import read_manifest
from training.packaging.package_folder import GRAPH, read_reference_inputs

ROUNDS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="models/NAME/VERSION")
    parser.add_argument(
        "--recipe", type=Path, help="the recipe of its network, to be compared with Keras and TensorFlow"
    )
    parser.add_argument("--rounds", type=above_zero(int), default=ROUNDS)
    parser.add_argument("--threads", type=above_zero(int), default=1, help="of every runtime")
    parser.add_argument("--json", type=Path)


def run(arguments: argparse.Namespace) -> None:
    # 1. what is compared
    manifest, threads = read_manifest(arguments.folder), arguments.threads
    parts = variants(onnx.load(arguments.folder / GRAPH))
    runs = {f"ONNX Runtime, {what}": onnx_run(one, manifest.input.name, threads) for what, one in parts.items()}
    with tempfile.TemporaryDirectory() as saved:
        if arguments.recipe:
            runs |= keras_runs(arguments.recipe, threads, Path(saved))

        # 2. one image at a time, each runtime in turn
        times = measure(runs, read_reference_inputs(arguments.folder), arguments.rounds)

    # 3. report
    found = figures(times)
    machine = platform.processor() or platform.machine()
    print(f"{manifest.name} {manifest.version}, {machine}, {threads} thread(s)", *table(found), sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
