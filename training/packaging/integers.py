"""A graph whose convolutions are computed in integers, for a CPU; head, map, calibration and gate stay in float32."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from converter.package.manifest import Manifest
from training.data.cohorts import Example
from training.data.images import load_model_inputs
from training.data.splits import select, spread
from training.packaging.canonical import canonical
from training.packaging.hygiene import before_the_head, serialised
from training.packaging.scores import Array, score

FILMS_A_COHORT = 100
BATCH = 20
METHODS = {"extremes": CalibrationMethod.MinMax, "percentiles": CalibrationMethod.Percentile}


def in_integers(full: bytes, manifest: Manifest, examples: Sequence[Example]) -> tuple[bytes, str]:
    """(graph, which films its ranges are of): of the ways to take ranges, the one nearest to `full` on val.

    Nearest is the mean change of a probability, each cohort counting as much as the next.
    """
    names = [cohort.name for cohort in manifest.cohorts]
    films = [example for name in names for example in spread(select(examples, "train", [name]), FILMS_A_COHORT)]
    preparing = whole_batches(load_model_inputs(films, manifest.input))
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


def whole_batches(films: Array) -> Array:
    """As many of `films` as fill batches: ONNX Runtime takes percentiles of batches of one size only."""
    return films[: len(films) // BATCH * BATCH] if len(films) > BATCH else films


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


class _Films(CalibrationDataReader):  # type: ignore[misc]
    """Hands out the films on which ranges are measured, some at a time."""

    def __init__(self, name: str, films: Array) -> None:
        self._batches = iter([{name: films[start : start + BATCH]} for start in range(0, len(films), BATCH)])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._batches, None)
