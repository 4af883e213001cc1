"""A package of fewer bits. Skipped where TensorFlow (the extra [training]) is missing."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from converter.evaluation.metrics import auc, calibration_error
from converter.package.manifest import Manifest, load_manifest
from converter.package.network import InputSpec
from converter.package.precision import Precision
from scp_node.inference.packages import find_package
from scp_node.settings.places import shipped_models_dir
from tests.support.cohorts.examples import labelled
from tests.support.models.tiny_model import TINY, copy_tiny
from tests.unit.package.test_manifest import precision, valid_manifest
from training.learning.network_shapes import Residual

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow ([training]) not installed"),
    pytest.mark.filterwarnings("ignore"),
]

SPEC = InputSpec.model_validate(
    {"height": 32, "width": 32, "layout": "NCHW", "normalisation": {"name": "centre-standardise"}}
)


@pytest.fixture(scope="module")
def lab() -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from training.judging import precision as judged
        from training.learning import zoo
        from training.packaging import export, integers, scores, variant

        network = zoo.residual.residual_network(Residual(stem=4, stages=(6, 8), strides=(2, 1), dropout=0.1), SPEC)
        full = export.to_onnx(network, SPEC)
        films = np.random.default_rng(0).normal(size=(20, 1, 32, 32)).astype(np.float32)
        graphs = {name: integers.quantised(full, films, method) for name, method in integers.METHODS.items()}
        parts = {"full": full, "films": films, "graphs": graphs}
        return SimpleNamespace(integers=integers, judged=judged, scores=scores, variant=variant, **parts)


def test_integers_give_nearly_the_same_answers(lab: SimpleNamespace) -> None:
    known = lab.scores.score(lab.full, lab.films)
    for graph in lab.graphs.values():
        found = lab.scores.score(graph, lab.films)
        assert not np.array_equal(found.probability, known.probability)
        assert np.abs(found.probability - known.probability).max() < 0.03
        assert np.abs(1 / (1 + np.exp(-found.cam.mean(axis=(2, 3)))) - found.probability).max() < 1e-5


def test_only_the_first_convolution_and_the_head_stay_as_they_were(lab: SimpleNamespace) -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.load_model_from_string(lab.graphs["extremes"]).graph
    kinds = {constant.name: constant.data_type for constant in graph.initializer}
    weights_of = {made: node.input[0] for node in graph.node for made in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    direct = [node for node in convolutions if node.input[1] in kinds]
    channels = {constant.name: list(constant.dims[:2]) for constant in graph.initializer}
    assert sorted(channels[node.input[1]] for node in direct) == [[1, 8], [4, 1]]
    assert len(convolutions) > 3
    for node in convolutions:
        if node not in direct:
            assert kinds[weights_of[node.input[1]]] == onnx.TensorProto.INT8


def test_the_same_films_give_the_same_bytes(lab: SimpleNamespace) -> None:
    for name, method in lab.integers.METHODS.items():
        assert lab.integers.quantised(lab.full, lab.films, method) == lab.graphs[name]


@pytest.mark.parametrize(("films", "used"), [(8, 8), (20, 20), (47, 40)])
def test_ranges_are_taken_of_any_number_of_films(lab: SimpleNamespace, films: int, used: int) -> None:
    some = np.random.default_rng(1).normal(size=(films, 1, 32, 32)).astype(np.float32)
    whole = lab.integers.whole_batches(some)
    assert len(whole) == used
    for method in lab.integers.METHODS.values():
        assert lab.integers.quantised(lab.full, whole, method)


def test_halves_give_nearly_the_same_answers_and_are_halves_up_to_the_head(lab: SimpleNamespace) -> None:
    onnx = pytest.importorskip("onnx")
    from training.packaging.half import halved, rounded

    known, stored = lab.scores.score(lab.full, lab.films), halved(lab.full)
    graph = onnx.load_model_from_string(stored).graph
    kinds = [one.data_type for one in graph.initializer if len(one.dims) == 4]
    assert kinds.count(onnx.TensorProto.FLOAT) == 1
    assert kinds.count(onnx.TensorProto.FLOAT16) > 3
    for answers in (stored, rounded(lab.full)):
        change = np.abs(lab.scores.score(answers, lab.films).probability - known.probability).max()
        assert 1e-7 < change < 5e-3


def test_what_stays_in_float32_is_not_rounded_on_the_way() -> None:
    """The gate of the shipped package takes the image itself, and its shares add up to 1 as exactly as before."""
    onnxruntime = pytest.importorskip("onnxruntime")
    from training.packaging.half import halved

    package = find_package(shipped_models_dir(), "pneumonia")
    full = package.onnx_path.read_bytes()
    with np.load(package.folder / "reference.npz", allow_pickle=False) as reference:
        image = {package.manifest.input.name: reference["inputs"]}
    answers = [
        onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(
            ["gate", "probability", "cam"], image
        )
        for graph in (full, halved(full))
    ]
    (known, *_), (gate, probability, cam) = answers
    assert np.array_equal(gate, known)
    assert np.abs(1 / (1 + np.exp(-cam.mean(axis=(2, 3)))) - probability).max() < 1e-6


def test_the_image_is_rounded_too(lab: SimpleNamespace) -> None:
    """What lies between two neighbours of float16 reaches a GPU as one of them."""
    from training.packaging.half import rounded

    graph, halves = rounded(lab.full), lab.films.astype(np.float16).astype(np.float32)
    assert not np.array_equal(halves, lab.films)
    assert np.array_equal(lab.scores.score(graph, lab.films).cam, lab.scores.score(graph, halves).cam)


def test_each_cohort_is_compared_for_what_it_is_labelled_for(lab: SimpleNamespace) -> None:
    manifest = Manifest.model_validate(valid_manifest())
    positive = np.array([True, False] * 60)
    examples = [labelled(Path(f"{n}.jpg"), "kermany224", there, "devtest", f"p{n}") for n, there in enumerate(positive)]
    rng = np.random.default_rng(1)
    full = np.clip(0.5 + 0.3 * (positive - 0.5) + rng.normal(0, 0.1, 120), 0, 1).astype(np.float32)
    fewer = np.clip(full + rng.normal(0, 0.2, 120), 0, 1).astype(np.float32)
    (found,) = lab.judged.compared(manifest, examples, full[:, None], fewer[:, None])
    assert (found.cohort, found.finding, found.images) == ("kermany224", "pneumonia", 120)
    assert found.auc == pytest.approx(auc(positive, fewer.astype(float)), abs=1e-6)
    assert found.ece_full == pytest.approx(calibration_error(positive, full.astype(float)), abs=1e-6)
    spoilt = Precision(kind="int8", full_sha256="0" * 64, prepared_on="x", cohorts=(found,))
    assert any("AUC of pneumonia on kermany224 falls" in problem for problem in spoilt.problems())


def test_a_variant_is_the_same_package_with_other_weights_and_no_figures_of_the_old_ones(
    lab: SimpleNamespace, tmp_path: Path
) -> None:
    copy_tiny(tmp_path)
    folder, out = tmp_path / "tiny" / "1.0.0", tmp_path / "tiny-int8" / "1.0.1"
    before = load_manifest(folder / "manifest.yaml")
    evidence = Precision.model_validate(precision())
    lab.variant.write_variant(folder, out, before, *[(TINY / "model.onnx").read_bytes()] * 2, evidence)
    after = load_manifest(out / "manifest.yaml")
    assert (after.name, after.version, after.metrics) == ("tiny-int8", "1.0.1", ())
    assert after.findings == before.findings
    assert after.precision == evidence
