"""python -m training package RUN FOLDER: finish a run's network, calibrate it on val, export it as a model package.

FOLDER (models/NAME/VERSION) gets model.onnx, reference.npz and manifest.yaml; `training card` adds figures and CARD.md.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf

from converter.package.calibration import Calibration
from converter.package.evidence import CohortSummary, Parity, Provenance
from converter.package.finding import FindingSpec
from converter.package.manifest import Manifest
from converter.package.network import OutputSpec
from training.commands.distribution import distribution_of
from training.commands.train import outcome_of
from training.data.cohorts import COHORTS, Example
from training.data.images import channels_last, load_model_inputs
from training.data.recipe_data import MADE, add_data_argument, folders, load_recipe_data
from training.data.splits import select
from training.gate.packaged import gated
from training.learning.batch_statistics import re_estimate
from training.learning.recipe import Recipe, load_recipe
from training.packaging.calibrate import Scored, choose_calibration
from training.packaging.export import prove_parity, reference_inputs, to_onnx
from training.packaging.fold import fold
from training.packaging.hygiene import OPSET
from training.packaging.manifest_file import name_and_version, write_manifest
from training.packaging.operating_point import ThresholdChoice, choose_operating_point
from training.packaging.scores import logits, reference_arrays, score

BYTES_MAX = 10_000_000


def main() -> None:
    # 1. arguments
    parser = argparse.ArgumentParser(prog="python -m training package", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gate", type=Path, metavar="RUN", help="the input gate of python -m training gate fit RUN")
    add_data_argument(parser)
    arguments = parser.parse_args()
    name, version = name_and_version(arguments.folder)
    outcome = outcome_of(arguments.run)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    recipe = load_recipe(arguments.run / "recipe.yaml")

    # 2. data: as the node would see it
    examples = load_recipe_data(recipe.cohorts, arguments.data, arguments.run / "split.csv")
    learning, devtest = (select(examples, split, recipe.cohorts) for split in ("train", "devtest"))
    deciding = select(examples, "val", recipe.operating_point.decided_on)
    if not (learning and deciding and devtest):
        raise SystemExit(
            f"{len(learning)} images of train, {len(deciding)} of val that decide, {len(devtest)} of devtest: a "
            "package needs some of each"
        )
    inputs = load_model_inputs(deciding, recipe.input)

    # 3. finish the averaged network
    network = keras.models.load_model(arguments.run / "weights.keras", compile=False)
    re_estimate(network, recipe, learning, channels_last(load_model_inputs(learning, recipe.input), recipe.input))

    # 4. calibrate each finding, and fold that into the network
    raw = logits(score(to_onnx(network, recipe.input), inputs).cam, recipe.input.layout)
    fitted_on = f"{'+'.join(recipe.operating_point.decided_on)} val"
    calibrations = [
        choose_calibration(of_finding(finding.name, deciding, raw[:, number]), fitted_on, recipe.seed)
        for number, finding in enumerate(recipe.findings)
    ]
    network = fold(network, calibrations)

    # 5. export, and prove it
    graph = to_onnx(network, recipe.input)
    parity = prove_parity(network, graph, load_model_inputs(devtest, recipe.input), recipe.input, "devtest")
    graph, gate = gated(graph, recipe.input, arguments.gate) if arguments.gate else (graph, None)
    if len(graph) > BYTES_MAX:
        raise SystemExit(f"the graph has {len(graph)} bytes, more than {BYTES_MAX}")

    # 6. one threshold a finding
    probability = score(graph, inputs).probability
    choices = [
        choose_operating_point(
            of_finding(finding.name, deciding, probability[:, number]),
            recipe.operating_point.guarded,
            recipe.operating_point.sensitivity_min,
            recipe.seed,
        )
        for number, finding in enumerate(recipe.findings)
    ]

    # 7. write
    arguments.folder.mkdir(parents=True, exist_ok=True)
    (arguments.folder / "model.onnx").write_bytes(graph)
    np.savez(arguments.folder / "reference.npz", **reference_arrays(graph, reference_inputs(recipe.input)))
    manifest = Manifest(
        name=name,
        version=version,
        title=recipe.title,
        manufacturer="Hilum",
        onnx_sha256=hashlib.sha256(graph).hexdigest(),
        opset=OPSET,
        input=recipe.input,
        outputs=OutputSpec(),
        findings=tuple(
            finding_spec(finding.name, recipe, choice, calibration)
            for finding, choice, calibration in zip(recipe.findings, choices, calibrations, strict=True)
        ),
        intended_use=recipe.intended_use,
        cohorts=tuple(
            cohort_entry(name, select(learning, "train", [name]), (folder / MADE).exists())
            for name, folder in folders(recipe.cohorts, arguments.data).items()
        ),
        metrics=(),
        provenance=provenance(outcome, recipe, parity),
        distribution=distribution_of(fitted_on, recipe.finding_names, recipe.input, deciding, probability),
        gate=gate,
    )
    write_manifest(arguments.folder / "manifest.yaml", manifest)
    print(f"{arguments.folder}: {len(graph):,} bytes")
    for finding in manifest.findings:
        print(f"{finding.name}: {finding.calibration.summary} ({finding.calibration.reason})")
        print(f"{finding.name}: threshold {finding.operating_threshold}, {finding.threshold_rule}")
    print(f"Keras and ONNX Runtime over {parity.images} devtest films: probability {parity.probability:.1e} at most")


def of_finding(name: str, examples: Sequence[Example], scores: np.ndarray) -> dict[str, Scored]:
    """Labels and scores of one finding by cohort, without the cohorts that are not labelled for it."""
    positive = np.array([name in example.findings for example in examples])
    patients = np.array([example.patient_id for example in examples])
    cohorts = np.array([example.cohort for example in examples])
    everything = Scored(positive, scores.astype(np.float64), patients)
    labelled = [cohort for cohort in np.unique(cohorts).tolist() if name in COHORTS[cohort].findings]
    return {cohort: everything.part(cohorts == cohort) for cohort in labelled}


def finding_spec(name: str, recipe: Recipe, choice: ThresholdChoice, calibration: Calibration) -> FindingSpec:
    concept = next(finding.concept for finding in recipe.findings if finding.name == name)
    told = calibration.model_copy(
        update={"fitted_on": f"{calibration.fitted_on}, each cohort weighted alike; already folded into the graph"}
    )
    return FindingSpec(
        name=name,
        concept=concept,
        operating_threshold=choice.threshold,
        threshold_rule=choice.sentence,
        operating_point=choice.point,
        calibration=told,
    )


def cohort_entry(name: str, examples: Sequence[Example], made: bool) -> CohortSummary:
    facts = COHORTS[name]
    return CohortSummary(
        name=name,
        images=len(examples),
        patients=len({example.patient_id for example in examples}),
        licence=facts.licence,
        citation=facts.citation,
        made=made,
    )


def provenance(outcome: Mapping[str, Any], recipe: Recipe, parity: Parity) -> Provenance:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    return Provenance(
        git_commit=commit,
        recipe="; then ".join(outcome["stages"]),
        seed=recipe.seed,
        created=outcome["finished"],
        tools={tool: importlib.metadata.version(tool) for tool in ("tensorflow", "keras", "tf2onnx", "onnxruntime")},
        parity=parity,
    )


if __name__ == "__main__":
    main()
