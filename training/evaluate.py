"""python -m training.evaluate FOLDER: measure a model package on devtest, through the conversion that the node uses.

Writes one JSON file, from which training.card makes CARD.md and the metrics of manifest.yaml. With --jpeg2000 it only
measures whether JPEG 2000 may be decoded at a reduced size, and writes that evidence into manifest.yaml.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from converter.errors import ConverterError
from converter.image.convert import convert
from converter.image.gray_image import Declined
from converter.manifest import InputSpec, IntendedUse, Manifest, load_manifest
from training.baselines import logistic_regression
from training.cohorts import Example, data_folder, load_examples
from training.images import load_model_inputs
from training.map_shift import mirror_shift
from training.measure import Group, measure
from training.reduced import prove_reduced
from training.scores import Array, score
from training.size_leak import measure_size_leak
from training.splits import select

# Cohorts that no package is trained on may be measured whole; of the others only devtest was never seen.
NEVER_TRAINED_ON = ("hannover512",)
PREVIEW_SIDE_MAX = 512
PIXELS_MAX = 100_000_000


def main() -> None:
    # 1. arguments
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("folder", type=Path, help="models/NAME/VERSION")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--jpeg2000", action="store_true", help="measure reduced decoding, write it to manifest.yaml")
    parser.add_argument("--look", type=Path, nargs="*", default=[], help="folders of unlabelled files to score as well")
    arguments = parser.parse_args()
    manifest = load_manifest(arguments.folder / "manifest.yaml")
    finding = manifest.findings[0]
    graph = (arguments.folder / "model.onnx").read_bytes()
    if hashlib.sha256(graph).hexdigest() != manifest.onnx_sha256:
        raise SystemExit(f"{arguments.folder / 'model.onnx'} is not the file that manifest.yaml names")
    if arguments.jpeg2000:
        prove_reduced(arguments.folder, manifest, graph, data_folder(arguments.data))
        return
    if arguments.json is None:
        parser.error("--json is needed")

    # 2. scores: every image through converter.image.convert
    everything = load_examples(data_folder(arguments.data))
    trained_on = [cohort.name for cohort in manifest.cohorts]
    examples = select(everything, "devtest", trained_on)
    examples += [example for example in everything if example.cohort in NEVER_TRAINED_ON]
    inputs = convert_all([example.path for example in examples], manifest.input)
    probability = score(graph, inputs).probability[:, 0].astype(np.float64)

    # 3. the same groups for the network and for the baseline
    learning = select(everything, "train", trained_on)
    baseline = logistic_regression(
        load_model_inputs(learning, manifest.input),
        np.array([example.positive for example in learning]),
        inputs,
    )
    report: dict[str, Any] = {
        "package": {"name": manifest.name, "version": manifest.version, "onnx_sha256": manifest.onnx_sha256},
        "threshold": finding.operating_threshold,
        "groups": [
            measure(group, examples, probability, finding.operating_threshold, baseline) for group in groups(examples)
        ],
        "size_leak": measure_size_leak(select(examples, "devtest", ["kermany512"]), graph, manifest.input),
        "map_shift": mirror_shift(graph, inputs[map_films(examples)], manifest.input)._asdict(),
        "looked_at": [
            look(file, graph, manifest)
            for extra in arguments.look
            for file in sorted(extra.rglob("*"))
            if file.is_file()
        ],
    }

    # 4. report
    arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for group in report["groups"]:
        print(summary(group))
    print(f"size leak: {json.dumps(report['size_leak'])}")
    print(f"{arguments.json}: written")


def groups(examples: Sequence[Example]) -> Iterator[Group]:
    """By source, by view where a source has both, by age band where a source tells the age."""
    for cohort in dict.fromkeys(example.cohort for example in examples):
        of_cohort = [example.cohort == cohort for example in examples]
        split = "all (never trained on)" if cohort in NEVER_TRAINED_ON else "devtest"
        yield Group(cohort, cohort, split, np.array(of_cohort))
        if cohort == "nih512":
            for view in ("PA", "AP"):
                members = [e.cohort == cohort and e.view == view for e in examples]
                yield Group(f"{cohort} {view}", cohort, split, np.array(members))
            for low, high in ((0, 18), (18, 65), (65, 121)):
                members = [
                    e.cohort == cohort and e.age_years is not None and low <= e.age_years < high for e in examples
                ]
                yield Group(f"{cohort} age {low}-{high - 1}", cohort, split, np.array(members))


def convert_all(files: Sequence[Path], spec: InputSpec) -> Array:
    """Model inputs of labelled files; a file that the node would decline has no place in a cohort."""

    def one(file: Path) -> Array:
        converted = convert(file, spec, None, PREVIEW_SIDE_MAX, PIXELS_MAX)
        if isinstance(converted, Declined):
            raise SystemExit(f"{file}: declined, {converted.code}: {converted.reason}")
        return converted.model_input

    with ThreadPoolExecutor(2) as pool:
        return np.stack(list(pool.map(one, files)))


def map_films(examples: Sequence[Example]) -> list[int]:
    """Places of the films on which the shift of the map is measured: both trained-on looks, every fifth."""
    return [n for n, example in enumerate(examples) if example.cohort in ("kermany512", "nih512")][::5]


def summary(group: dict[str, Any]) -> str:
    """One line of a group's figures for the console."""
    figures = {key: group[key]["value"] for key in ("auc", "sensitivity", "specificity", "ece", "brier")}
    figures["baseline auc"] = group["baseline_auc"]
    shown = "  ".join(f"{key} {'-' if value is None else f'{value:.3f}'}" for key, value in figures.items())
    return f"{group['name']:20} {group['images']:4} images  {shown}"


def look(file: Path, graph: bytes, manifest: Manifest) -> dict[str, str | float]:
    """One unlabelled file: its probability without the header rules, or why there is none; its outcome with them."""
    outcome, probability = outcome_of(file, graph, manifest.input, None)
    in_service, _ = outcome_of(file, graph, manifest.input, manifest.intended_use)
    named: dict[str, str | float] = {"folder": f"{file.parent.parent.name}/{file.parent.name}", "file": file.name}
    named |= {"outcome": outcome, "in_service": in_service}
    return named if probability is None else named | {"probability": round(probability, 6)}


def outcome_of(file: Path, graph: bytes, spec: InputSpec, use: IntendedUse | None) -> tuple[str, float | None]:
    try:
        converted = convert(file, spec, use, PREVIEW_SIDE_MAX, PIXELS_MAX)
    except ConverterError as error:
        return error.code, None
    if isinstance(converted, Declined):
        return converted.code, None
    return "analysed", float(score(graph, converted.model_input[np.newaxis]).probability[0, 0])


if __name__ == "__main__":
    main()
