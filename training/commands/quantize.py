"""python -m training quantize FOLDER OUT: a package of fewer bits, where that costs neither separation nor honesty.

int8 (for a CPU): convolutions in integers, ranges from train films. fp16 (for a GPU): features in halves.
Head, map, calibration and gate stay in float32. OUT (models/NAME/VERSION) is only written when on devtest, for every
finding and source, the AUC falls by less and the calibration error rises by no more than the manifest allows;
else the reason is printed and the exit code is 1. `training evaluate` and `training card` then measure OUT like any
package.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from converter.evaluation.metrics import auc, calibration_error
from converter.package.manifest import Manifest
from converter.package.precision import Precision, PrecisionCohort
from training.data.cohorts import COHORTS, Example
from training.data.images import load_model_inputs, load_targets
from training.data.recipe_data import add_data_argument, load_recipe_data
from training.data.splits import select, spread
from training.packaging.canonical import canonical
from training.packaging.half import halved, rounded
from training.packaging.hygiene import before_the_head, serialised
from training.packaging.manifest_file import name_and_version, read_manifest, write_manifest
from training.packaging.scores import Array, reference_arrays, score

FILMS_A_COHORT = 100
BATCH = 20
METHODS = {"extremes": CalibrationMethod.MinMax, "percentiles": CalibrationMethod.Percentile}


def main() -> None:
    # 1. arguments
    parser = argparse.ArgumentParser(prog="python -m training quantize", description=__doc__)
    parser.add_argument("folder", type=Path, help="the package in float32")
    parser.add_argument("out", type=Path, help="models/NAME/VERSION of the one of fewer bits")
    parser.add_argument("--kind", choices=("int8", "fp16"), default="int8")
    parser.add_argument("--run", type=Path, help="the run it was made of, whose split.csv says which films are devtest")
    add_data_argument(parser)
    arguments = parser.parse_args()
    name_and_version(arguments.out)
    manifest = read_manifest(arguments.folder)
    full = (arguments.folder / "model.onnx").read_bytes()
    if hashlib.sha256(full).hexdigest() != manifest.onnx_sha256:
        raise SystemExit(f"{arguments.folder / 'model.onnx'} is not the file that manifest.yaml names")

    # 2. data
    names = [cohort.name for cohort in manifest.cohorts]
    examples = load_recipe_data(names, arguments.data, arguments.run and arguments.run / "split.csv")
    devtest = select(examples, "devtest", names)
    if not devtest:
        raise SystemExit(f"no film of {', '.join(names)} in devtest: nothing can be judged")
    unseen = load_model_inputs(devtest, manifest.input)

    # 3. the graph, and what it answers where it is meant to run
    if arguments.kind == "int8":
        graph, prepared_on = in_integers(full, manifest, examples)
        answers = graph
    else:
        graph, answers = halved(full), rounded(full)
        prepared_on = "no films, judged on a CPU with the rounding of float16 put in, not on a GPU"

    # 4. judge it on devtest
    cohorts = tuple(compared(manifest, devtest, *(score(one, unseen).probability for one in (full, answers))))
    if not cohorts:
        raise SystemExit(f"{', '.join(names)}: none has both answers on devtest, so nothing can be compared")
    evidence = Precision(
        kind=arguments.kind, full_sha256=manifest.onnx_sha256, prepared_on=prepared_on, cohorts=cohorts
    )
    for one in evidence.cohorts:
        print(
            f"{one.cohort:12} {one.finding}: {one.images} images, AUC {one.auc_full:.4f} -> {one.auc:.4f}, "
            f"ECE {one.ece_full:.4f} -> {one.ece:.4f}, largest change {one.largest_change:.4f}"
        )
    if evidence.problems():
        raise SystemExit(f"not written: {'; '.join(evidence.problems())}")

    # 5. write
    write_variant(arguments.folder, arguments.out, manifest, graph, answers, evidence)
    print(f"{arguments.out}: {len(graph):,} bytes instead of {len(full):,}")


def in_integers(full: bytes, manifest: Manifest, examples: Sequence[Example]) -> tuple[bytes, str]:
    """(graph, which films its ranges are of): of the ways to take ranges, the one nearest to `full` on val.

    Nearest is the mean change of a probability, each cohort counting as much as the next.
    """
    names = [cohort.name for cohort in manifest.cohorts]
    films = [example for name in names for example in spread(select(examples, "train", [name]), FILMS_A_COHORT)]
    preparing = load_model_inputs(films, manifest.input)
    watched = select(examples, "val", names)
    val = load_model_inputs(watched, manifest.input)
    cohorts = np.array([example.cohort for example in watched])
    known = score(full, val).probability
    graphs = {method: quantised(full, preparing, kind) for method, kind in METHODS.items()}
    changes = {}
    for method, graph in graphs.items():
        change = np.abs(score(graph, val).probability - known).mean(axis=1)
        changes[method] = float(np.mean([change[cohorts == cohort].mean() for cohort in np.unique(cohorts)]))
    taken = min(changes, key=lambda method: changes[method])
    print("mean change of a probability on val: " + ", ".join(f"{name} {one:.4f}" for name, one in changes.items()))
    return graphs[taken], f"the {taken} of {len(preparing)} train films of {'+'.join(names)}"


def quantised(full: bytes, preparing: Array, method: CalibrationMethod) -> bytes:
    """`full` with its convolutions in integers: 8 bits a value, 7 a weight, so that no processor saturates.

    The first convolution sees the image itself and stays in float32: it is cheap, and costs the most in 8 bits.
    """
    with tempfile.TemporaryDirectory() as folder:
        merged, integers = Path(folder) / "merged.onnx", Path(folder) / "integers.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(merged)  # batch normalisation goes into the convolutions
        onnxruntime.InferenceSession(full, options, providers=["CPUExecutionProvider"])
        graph = onnx.load(merged)
        features = set(before_the_head(graph))
        first = next(one.name for one in graph.graph.node if one.name in features and one.op_type == "Conv")
        quantize_static(
            merged,
            integers,
            _Films(graph.graph.input[0].name, preparing),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_quantize=sorted(features - {first}),
            calibrate_method=method,
        )
        names = [value.name for value in graph.graph.output]
        return serialised(canonical(onnx.load(integers)), names)


def compared(manifest: Manifest, examples: Sequence[Example], full: Array, fewer: Array) -> Iterator[PrecisionCohort]:
    """Both networks on each finding and each cohort that is labelled for it and has both answers."""
    labels = load_targets(examples, [finding.name for finding in manifest.findings]).astype(bool)
    for cohort in manifest.cohorts:
        members = np.array([example.cohort == cohort.name for example in examples])
        for number, finding in enumerate(manifest.findings):
            positive = labels[members, number]
            if finding.name not in COHORTS[cohort.name].findings or len(set(positive.tolist())) < 2:
                continue
            one, other = (scores[members, number].astype(np.float64) for scores in (full, fewer))
            yield PrecisionCohort(
                cohort=cohort.name,
                finding=finding.name,
                split="devtest",
                images=int(members.sum()),
                auc_full=round(auc(positive, one), 6),
                auc=round(auc(positive, other), 6),
                ece_full=round(calibration_error(positive, one), 6),
                ece=round(calibration_error(positive, other), 6),
                largest_change=round(float(np.abs(other - one).max()), 6),
            )


def write_variant(
    folder: Path, out: Path, manifest: Manifest, graph: bytes, answers: bytes, evidence: Precision
) -> None:
    """The package `out`: the contract of `folder` with other weights; what was measured of those is left out.

    answers: the graph whose answers the reference holds: `graph` itself, or what stands for it on this machine.
    """
    name, version = name_and_version(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(graph)
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        inputs = reference["inputs"]
    np.savez(out / "reference.npz", **reference_arrays(answers, inputs))
    changed = {
        "name": name,
        "version": version,
        "onnx_sha256": hashlib.sha256(graph).hexdigest(),
        "metrics": (),
        "jpeg2000_evidence": None,
        "input": manifest.input.model_copy(update={"jpeg2000_reduced": False}),
        "provenance": manifest.provenance.model_copy(update={"parity": None}),
        "precision": evidence,
    }
    variant = Manifest.model_validate(manifest.model_copy(update=changed).model_dump())
    write_manifest(out / "manifest.yaml", variant)


class _Films(CalibrationDataReader):  # type: ignore[misc]
    """Hands out the films on which ranges are measured, some at a time."""

    def __init__(self, name: str, films: Array) -> None:
        self._batches = iter([{name: films[start : start + BATCH]} for start in range(0, len(films), BATCH)])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._batches, None)


if __name__ == "__main__":
    main()
