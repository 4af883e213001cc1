"""A network leaves Keras with its answers unchanged. Skipped where TensorFlow (the extra [training]) is missing."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from converter.package.calibration import Calibration, Knot
from converter.package.network import InputSpec
from tests.support.checkout import CONFIG
from tests.support.cohorts.examples import labelled
from training.learning.network_shapes import Residual
from training.learning.recipe import load_recipe, with_values
from training.packaging.calibrate import calibrated

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow ([training]) not installed"),
    pytest.mark.filterwarnings("ignore"),
]

SPEC = InputSpec.model_validate(
    {"height": 32, "width": 32, "layout": "NCHW", "normalisation": {"name": "centre-standardise"}}
)
SMALL = Residual(stem=4, stages=(6, 8), strides=(2, 1), dropout=0.1)

NONE = Calibration(method="none", fitted_on="x")
LINEAR = Calibration(method="platt", temperature=2.0, bias=-0.7, fitted_on="x")
BENT, STEEP = (
    Calibration(
        method="isotonic",
        temperature=0.7,
        bias=0.2,
        knots=tuple(Knot(raw=a, calibrated=b) for a, b in knots),
        fitted_on="x",
    )
    for knots in (((-0.4, -2.0), (0.0, 0.1), (0.3, 0.4), (1.0, 2.5)), ((-0.1, -3.0), (0.1, 3.0)))
)


@pytest.fixture(scope="module")
def lab() -> SimpleNamespace:
    """The modules that import TensorFlow, and a small network whose batch statistics are not the initial ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from training.learning import batch_statistics, zoo
        from training.packaging import export, fold, scores

        network = zoo.residual.residual_network(SMALL, SPEC)
        rng = np.random.default_rng(0)
        network.set_weights([weight + rng.uniform(0, 0.02, weight.shape) for weight in network.get_weights()])
        return SimpleNamespace(
            export=export, fold=fold, scores=scores, zoo=zoo, statistics=batch_statistics, network=network
        )


def test_graph_gives_the_answers_of_keras(lab: SimpleNamespace) -> None:
    inputs = lab.export.reference_inputs(SPEC)
    graph = lab.export.to_onnx(lab.network, SPEC)
    parity = lab.export.prove_parity(lab.network, graph, (inputs,), SPEC, "drawn")
    assert (parity.split, parity.images) == ("drawn", 4)
    assert parity.probability <= 1e-4


def test_probability_is_the_sigmoid_of_the_mean_of_the_map(lab: SimpleNamespace) -> None:
    graph = lab.export.to_onnx(lab.network, SPEC)
    probability, cam, _ = lab.scores.score(graph, lab.export.reference_inputs(SPEC))
    assert cam.shape == (4, 1, 8, 8)
    assert np.allclose(1 / (1 + np.exp(-cam.mean(axis=(2, 3)))), probability, atol=1e-6)


def test_the_same_network_exports_to_the_same_bytes(lab: SimpleNamespace) -> None:
    assert lab.export.to_onnx(lab.network, SPEC) == lab.export.to_onnx(lab.network, SPEC)


def test_another_process_exports_the_same_bytes(lab: SimpleNamespace, tmp_path: Path) -> None:
    """The other one has exported something else before: names are numbered by a counter of the process."""
    lab.network.save(tmp_path / "weights.keras")
    program = (
        "import hashlib, sys, keras; from converter.package.network import InputSpec\n"
        "from training.packaging.export import to_onnx\n"
        f"spec = InputSpec.model_validate_json({SPEC.model_dump_json()!r})\n"
        f"network = keras.models.load_model({str(tmp_path / 'weights.keras')!r}, compile=False)\n"
        "to_onnx(keras.models.clone_model(network), spec)\n"
        "print(hashlib.sha256(to_onnx(network, spec)).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=150)
    here = lab.export.to_onnx(lab.network, SPEC)
    assert other.stdout.split()[-1] == hashlib.sha256(here).hexdigest()


def test_graph_takes_any_batch_and_names_it(lab: SimpleNamespace) -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.load_model_from_string(lab.export.to_onnx(lab.network, SPEC))
    assert graph.opset_import[0].version == 17
    assert [value.name for value in graph.graph.output] == ["probability", "cam"]
    for value in (*graph.graph.input, *graph.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "N"


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize(
    "calibrations",
    [[LINEAR, NONE], [BENT, NONE], [LINEAR, BENT], [BENT, STEEP]],
    ids=lambda pair: "-".join(one.method for one in pair),
)
def test_a_folded_network_gives_calibrated_answers(
    lab: SimpleNamespace, layout: str, calibrations: list[Calibration]
) -> None:
    spec = SPEC.model_copy(update={"layout": layout})
    network = lab.zoo.residual_network(SMALL, spec, 2)
    inputs = lab.export.reference_inputs(spec)
    before = lab.scores.score(lab.export.to_onnx(network, spec), inputs)
    folded = lab.fold.fold(network, calibrations)
    graph = lab.export.to_onnx(folded, spec)
    lab.export.prove_parity(folded, graph, (inputs,), spec, "drawn")
    after = lab.scores.score(graph, inputs)
    raw, logit = lab.scores.logits(before.cam, layout), lab.scores.logits(after.cam, layout)
    wanted = np.stack([calibrated(one, raw[:, n]) for n, one in enumerate(calibrations)], axis=1)
    assert np.abs(logit - wanted).max() < 1e-4
    assert np.abs(1 / (1 + np.exp(-wanted)) - after.probability).max() < 1e-5
    again = lab.scores.score(lab.export.to_onnx(network, spec), inputs)
    assert np.array_equal(again.cam, before.cam), "the network itself was changed"


def test_an_isotonic_calibration_moves_every_place_of_the_map_alike(lab: SimpleNamespace) -> None:
    inputs = lab.export.reference_inputs(SPEC)
    before, after = (
        lab.scores.score(lab.export.to_onnx(network, SPEC), inputs).cam
        for network in (lab.network, lab.fold.fold(lab.network, [BENT]))
    )
    moved = after - before / BENT.temperature
    assert np.abs(moved - moved.mean(axis=(2, 3), keepdims=True)).max() < 1e-4
    assert np.abs(moved).max() > 0.1


def test_a_graph_that_differs_is_refused(lab: SimpleNamespace) -> None:
    other = lab.zoo.residual_network(SMALL, SPEC)
    graph = lab.export.to_onnx(other, SPEC)
    with pytest.raises(RuntimeError, match="differ by"):
        lab.export.prove_parity(lab.network, graph, (lab.export.reference_inputs(SPEC),), SPEC, "drawn")


def test_statistics_taken_again_are_those_of_the_films_given(lab: SimpleNamespace) -> None:
    keras = pytest.importorskip("keras")
    recipe = with_values(
        load_recipe(CONFIG / "training" / "pneumonia.yaml"),
        {
            "cohorts": {"nih512": {"per_class": 10, "label_smoothing": 0}},
            "operating_point.decided_on": ["nih512"],
            "operating_point.guarded": ["nih512"],
        },
    )
    examples = [labelled(Path(f"{n}"), "nih512", n % 2 == 0, "train", f"{n}") for n in range(20)]
    films = np.random.default_rng(2).normal(size=(20, 32, 32, 1)).astype(np.float32)
    network = lab.zoo.residual_network(SMALL, SPEC)
    lab.statistics.re_estimate(network, recipe, examples, (films,))
    first = next(layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization))
    made = np.asarray(keras.Model(network.input, first.input)(films))
    assert np.allclose(first.moving_mean.numpy(), made.mean(axis=(0, 1, 2)), atol=0.02)
    assert np.allclose(first.moving_variance.numpy(), made.var(axis=(0, 1, 2)), rtol=0.1)
    assert first.momentum == lab.zoo.residual.BATCH_NORM_MOMENTUM
