"""Write a package of fewer bits, where that costs neither separation nor honesty.

int8 (for a CPU): convolutions in integers, ranges from train films. fp16 (for a GPU): features in halves.
Head, map, calibration and gate stay in float32. OUT (models/NAME/VERSION) is only written when on devtest, for every
finding and source, the AUC falls by less and the calibration error rises by no more than the manifest allows;
else the reason is printed and the exit code is 1. `evaluate` and `card` then measure OUT like any package.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from converter.package.manifest import Manifest
from converter.package.precision import Precision
from training.commands.arguments import add_data_argument
from training.data.cohorts import Example
from training.data.images import load_model_inputs
from training.data.recipe_data import load_recipe_data
from training.data.remembered import run_of
from training.data.splits import select
from training.judging.precision import compared
from training.lungs.attach import is_framed
from training.packaging.half import halved, rounded
from training.packaging.integers import in_integers
from training.packaging.manifest_file import name_and_version, read_manifest
from training.packaging.package_folder import read_graph
from training.packaging.scores import score
from training.packaging.variant import write_variant

HALVES_PREPARED_ON = "no films, judged on a CPU with the rounding of float16 put in, not on a GPU"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="the package in float32")
    parser.add_argument("out", type=Path, help="models/NAME/VERSION of the one of fewer bits")
    parser.add_argument("--kind", choices=("int8", "fp16"), default="int8")
    parser.add_argument("--run", type=Path, help="the run it was made of, whose split.csv says which films are devtest")
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    # 1. arguments
    name_and_version(arguments.out)
    manifest = read_manifest(arguments.folder)
    full = read_graph(arguments.folder, manifest)
    if is_framed(full):
        raise SystemExit(
            f"{arguments.folder}: cuts a frame round the lungs, which is exact in float32 only, so that no packages of "
            "fewer bits are made of it"
        )

    # 2. data
    names = [cohort.name for cohort in manifest.cohorts]
    examples = load_recipe_data(names, arguments.data, arguments.run or run_of(manifest.provenance))
    devtest = select(examples, "devtest", names)
    if not devtest:
        raise SystemExit(f"no film of {', '.join(names)} in devtest: nothing can be judged")

    # 3. the graph, and what it answers where it is meant to run
    if arguments.kind == "int8":
        graph, prepared_on = in_integers(full, manifest, examples)
        answers = graph
    else:
        graph, answers, prepared_on = halved(full), rounded(full), HALVES_PREPARED_ON

    # 4. judge it on devtest
    evidence = judged(manifest, devtest, full, answers, arguments.kind, prepared_on)
    tell(evidence)
    if evidence.problems():
        raise SystemExit(f"not written: {'; '.join(evidence.problems())}")

    # 5. write
    write_variant(arguments.folder, arguments.out, manifest, graph, answers, evidence)
    print(f"{arguments.out}: {len(graph):,} bytes instead of {len(full):,}")


def judged(
    manifest: Manifest, devtest: Sequence[Example], full: bytes, answers: bytes, kind: str, prepared_on: str
) -> Precision:
    """Ends the program where no cohort has both answers."""
    unseen = load_model_inputs(devtest, manifest.input)
    known, found = (score(graph, unseen).probability for graph in (full, answers))
    cohorts = tuple(compared(manifest, devtest, known, found))
    if not cohorts:
        names = ", ".join(cohort.name for cohort in manifest.cohorts)
        raise SystemExit(f"{names}: none has both answers on devtest, so nothing can be compared")
    return Precision.model_validate(
        {"kind": kind, "full_sha256": manifest.onnx_sha256, "prepared_on": prepared_on, "cohorts": cohorts}
    )


def tell(evidence: Precision) -> None:
    for one in evidence.cohorts:
        print(
            f"{one.cohort:12} {one.finding}: {one.images} images, AUC {one.auc_full:.4f} -> {one.auc:.4f}, "
            f"ECE {one.ece_full:.4f} -> {one.ece:.4f}, largest change {one.largest_change:.4f}"
        )
