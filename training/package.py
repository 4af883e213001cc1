"""python -m training.package RUN FOLDER: finish a run's network, calibrate it on val, export it as a model package.

FOLDER (models/NAME/VERSION) gets model.onnx, reference.npz and manifest.yaml; training.card adds figures and CARD.md.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np

from converter.manifest import (
    AgeRange,
    Calibration,
    Cohort,
    Concept,
    FindingSpec,
    IntendedUse,
    Manifest,
    OutputSpec,
    Provenance,
)
from training.batch_statistics import re_estimate
from training.calibrate import Scored, choose_threshold, fit_temperature
from training.cohorts import COHORTS, Example, data_folder, load_examples
from training.export import OPSET, check_parity, fold_temperature, reference_inputs, to_onnx
from training.images import channels_last, load_model_inputs
from training.manifest_file import write_manifest
from training.recipe import Recipe, load_recipe
from training.scores import logits, score
from training.splits import select

# The two cohorts that are different films: kermany512 repeats kermany224.
DECIDING_COHORTS = ("kermany224", "nih512")
GUARDED_COHORT = "kermany224"
SENSITIVITY_MIN = 0.98
BYTES_MAX = 10_000_000
PNEUMONIA = Concept(value="233604007", scheme="SCT", meaning="Pneumonia")
# Goes into every report: whose films the evidence comes from is said in full there, not by reference.
STATEMENT = (
    "Research use only, not a medical device. Marks frontal chest radiographs (PA or AP) that may show pneumonia, for "
    "a reader who looks at every image. Learned from children of 1 to 5 years of one hospital in Guangzhou and mostly "
    "adults of one hospital in Bethesda. Not for excluding disease, not for triage without a reader, not for lateral "
    "films or other body parts."
)


def main() -> None:
    # 1. arguments
    parser = argparse.ArgumentParser(prog="python -m training.package", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    name, version = arguments.folder.parent.name, arguments.folder.name
    recipe = load_recipe(arguments.run / "recipe.yaml")

    # 2. data: the validation split, as the node would see it
    examples = load_examples(data_folder(arguments.data))
    watched = select(examples, "val", DECIDING_COHORTS)
    inputs = load_model_inputs(watched, recipe.input)

    # 3. finish the averaged network
    network = keras.models.load_model(arguments.run / "weights.keras", compile=False)
    learning = select(examples, "train", recipe.cohorts)
    re_estimate(network, recipe, learning, channels_last(load_model_inputs(learning, recipe.input), recipe.input))

    # 4. calibrate, and fold the temperature into the head
    cam = score(to_onnx(network, recipe.input), inputs).cam
    temperature = fit_temperature(by_cohort(watched, logits(cam, recipe.input.layout)))
    fold_temperature(network, temperature)

    # 5. export, and prove it
    graph = to_onnx(network, recipe.input)
    if len(graph) > BYTES_MAX:
        raise SystemExit(f"the graph has {len(graph)} bytes, more than {BYTES_MAX}")
    drawn = reference_inputs(recipe.input)
    difference = check_parity(network, graph, np.concatenate([drawn, inputs[:32]]), recipe.input)
    threshold = choose_threshold(by_cohort(watched, score(graph, inputs).probability), GUARDED_COHORT, SENSITIVITY_MIN)

    # 6. write
    arguments.folder.mkdir(parents=True, exist_ok=True)
    (arguments.folder / "model.onnx").write_bytes(graph)
    expected = score(graph, drawn)
    np.savez(arguments.folder / "reference.npz", inputs=drawn, probability=expected.probability, cam=expected.cam)
    manifest = Manifest(
        name=name,
        version=version,
        title="Pneumonia on frontal chest radiographs",
        manufacturer="Hilum",
        onnx_sha256=hashlib.sha256(graph).hexdigest(),
        opset=OPSET,
        input=recipe.input,
        outputs=OutputSpec(),
        findings=(finding(threshold, temperature),),
        intended_use=IntendedUse(
            modalities=("CR", "DX"),
            body_parts=("CHEST",),
            views=("PA", "AP"),
            ages=AgeRange(min_years=0, max_years=120),
            statement=STATEMENT,
        ),
        cohorts=tuple(cohort_entry(cohort, select(examples, "train", [cohort])) for cohort in recipe.cohorts),
        metrics=(),
        provenance=provenance(arguments.run, recipe),
    )
    write_manifest(arguments.folder / "manifest.yaml", manifest)
    print(f"{arguments.folder}: {len(graph):,} bytes, temperature {temperature:.3f}, threshold {threshold}")
    print(f"Keras and ONNX Runtime differ by at most {difference:.1e}")


def by_cohort(examples: Sequence[Example], scores: np.ndarray) -> dict[str, Scored]:
    positive = np.array([example.positive for example in examples])
    cohorts = np.array([example.cohort for example in examples])
    flat = scores.astype(np.float64).reshape(len(examples))
    return {
        cohort: Scored(positive[cohorts == cohort], flat[cohorts == cohort]) for cohort in np.unique(cohorts).tolist()
    }


def finding(threshold: float, temperature: float) -> FindingSpec:
    rule = (
        f"best mean Youden index over {' and '.join(DECIDING_COHORTS)} val among the four-decimal thresholds that keep "
        f"{GUARDED_COHORT} val at a sensitivity of at least {SENSITIVITY_MIN}"
    )
    return FindingSpec(
        name="pneumonia",
        concept=PNEUMONIA,
        operating_threshold=threshold,
        threshold_rule=rule,
        calibration=Calibration(
            method="temperature",
            temperature=round(temperature, 4),
            fitted_on=f"{'+'.join(DECIDING_COHORTS)} val, each cohort weighted alike; already folded into the graph",
        ),
    )


def cohort_entry(name: str, examples: Sequence[Example]) -> Cohort:
    facts = COHORTS[name]
    return Cohort(
        name=name,
        images=len(examples),
        patients=len({example.patient_id for example in examples}),
        licence=facts.licence,
        citation=facts.citation,
    )


def provenance(run: Path, recipe: Recipe) -> Provenance:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    outcome = json.loads((run / "outcome.json").read_text(encoding="utf-8"))
    return Provenance(
        git_commit=commit,
        recipe="; then ".join(outcome["stages"]),
        seed=recipe.seed,
        created=outcome["finished"],
        tools={tool: importlib.metadata.version(tool) for tool in ("tensorflow", "keras", "tf2onnx", "onnxruntime")},
    )


if __name__ == "__main__":
    main()
