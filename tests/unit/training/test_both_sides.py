"""The mean of a picture and its mirror image: what it changes, and that calibration and export hold as without it."""

from __future__ import annotations

import importlib.util
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from converter.package.calibration import Calibration, Knot
from converter.package.network import InputSpec
from tests.support.checkout import CONFIG
from training.learning.network_shapes import Residual
from training.learning.recipe import load_recipe, with_values
from training.packaging.calibrate import calibrated

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow ([training]) not installed"),
    pytest.mark.filterwarnings("ignore"),
]

NETWORK = Residual(stem=4, stages=(6, 8), strides=(2, 1), dropout=0.1)
LINEAR = Calibration(method="platt", temperature=2.0, bias=-0.7, fitted_on="x")
BENT = Calibration(
    method="isotonic", knots=tuple(Knot(raw=a, calibrated=b) for a, b in ((-0.4, -2.0), (0.3, 0.4))), fitted_on="x"
)


def spec_of(layout: str) -> InputSpec:
    rule = {"name": "centre-standardise"}
    return InputSpec.model_validate({"height": 32, "width": 48, "layout": layout, "normalisation": rule})


@pytest.fixture(scope="module", params=["NCHW", "NHWC"])
def lab(request: pytest.FixtureRequest) -> SimpleNamespace:
    """The modules that import TensorFlow, a small network of two findings, and pictures for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from training.learning.zoo.residual import residual_network
        from training.packaging import both_sides, export, fold, scores

        spec = spec_of(request.param)
        network = residual_network(NETWORK, spec, 2)
        rng = np.random.default_rng(0)
        network.set_weights([weight + rng.uniform(0, 0.02, weight.shape) for weight in network.get_weights()])
        return SimpleNamespace(
            both_sides=both_sides.both_sides,
            export=export,
            fold=fold.fold,
            scores=scores,
            network=network,
            spec=spec,
            inputs=export.reference_inputs(spec),
            columns=3 if request.param == "NCHW" else 2,
        )


def test_its_map_is_the_mean_of_both_and_its_probability_that_of_the_map(lab: SimpleNamespace) -> None:
    graph = lab.export.to_onnx(lab.both_sides(lab.network), lab.spec)
    alone = lab.export.to_onnx(lab.network, lab.spec)
    back = np.ascontiguousarray(np.flip(lab.inputs, lab.columns))
    seen, mirrored = (lab.scores.score(alone, one).cam for one in (lab.inputs, back))
    found = lab.scores.score(graph, lab.inputs)
    assert np.abs(found.cam - (seen + np.flip(mirrored, lab.columns)) / 2).max() < 1e-5
    logit = lab.scores.logits(found.cam, lab.spec.layout)
    assert np.abs(1 / (1 + np.exp(-logit)) - found.probability).max() < 1e-6
    assert np.abs(seen - found.cam).max() > 1e-4, "the two sides do differ"


def test_a_picture_and_its_mirror_image_have_one_answer(lab: SimpleNamespace) -> None:
    graph = lab.export.to_onnx(lab.both_sides(lab.network), lab.spec)
    one = lab.scores.score(graph, lab.inputs)
    other = lab.scores.score(graph, np.ascontiguousarray(np.flip(lab.inputs, lab.columns)))
    assert np.abs(one.probability - other.probability).max() < 1e-6
    assert np.abs(one.cam - np.flip(other.cam, lab.columns)).max() < 1e-5


@pytest.mark.parametrize("rows", [5, 1, -3])
def test_a_raised_picture_is_that_picture_with_its_last_row_again(lab: SimpleNamespace, rows: int) -> None:
    axis = lab.columns - 1
    indices = np.clip(np.arange(lab.inputs.shape[axis]) + rows, 0, lab.inputs.shape[axis] - 1)
    raised = lab.export.to_onnx(lab.both_sides(lab.network, rows), lab.spec)
    plain = lab.export.to_onnx(lab.both_sides(lab.network), lab.spec)
    found, wanted = lab.scores.score(raised, lab.inputs), lab.scores.score(plain, np.take(lab.inputs, indices, axis))
    assert np.abs(found.cam - wanted.cam).max() < 1e-5


def test_each_weight_is_in_the_graph_once(lab: SimpleNamespace) -> None:
    alone = lab.export.to_onnx(lab.network, lab.spec)
    assert len(lab.export.to_onnx(lab.both_sides(lab.network), lab.spec)) < len(alone) + 2000


@pytest.mark.parametrize("second", [LINEAR, BENT], ids=lambda one: str(one.method))
def test_it_is_calibrated_by_what_both_say_together(lab: SimpleNamespace, second: Calibration) -> None:
    before = lab.scores.score(lab.export.to_onnx(lab.both_sides(lab.network), lab.spec), lab.inputs)
    folded = lab.fold(lab.network, [LINEAR, second], 0)
    graph = lab.export.to_onnx(folded, lab.spec)
    lab.export.prove_parity(folded, graph, (lab.inputs,), lab.spec, "drawn")
    raw = lab.scores.logits(before.cam, lab.spec.layout)
    wanted = np.stack([calibrated(one, raw[:, n]) for n, one in enumerate((LINEAR, second))], axis=1)
    after = lab.scores.score(graph, lab.inputs)
    assert np.abs(lab.scores.logits(after.cam, lab.spec.layout) - wanted).max() < 1e-4
    assert np.abs(1 / (1 + np.exp(-wanted)) - after.probability).max() < 1e-5


def test_a_recipe_that_looks_at_a_frame_cannot_ask_for_it() -> None:
    recipe = load_recipe(CONFIG / "training" / "pneumonia-framed.yaml")
    with pytest.raises(ValueError, match="no mirror image"):
        with_values(recipe, {"mirrored": True})
