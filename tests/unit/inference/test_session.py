"""The session runs on the provider it names, refuses a graph that breaks its manifest, and never invents a score."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from scp_node.errors import ConfigurationError, InferenceFailed, InvalidScore, ModelUnusable
from scp_node.inference.graph_contract import findings_axis, graph_problems
from scp_node.inference.packages import find_package, open_package
from scp_node.inference.scores import checked_scores
from scp_node.inference.session import InferenceSession
from tests.support.checkout import GOLDEN
from tests.support.models.tiny_model import GATE, LUNGS, SIDE, TINY, TINY_GATED, TINY_LUNGS, copy_tiny, tiny_outputs

PACKAGE = open_package(TINY)
GRAY = np.random.default_rng(3).normal(0, 1, (5, SIDE, SIDE)).astype(np.float32)


@pytest.mark.parametrize("name", ["tiny", "tiny-nhwc"])
def test_scores_are_laid_out_alike_whatever_the_layout_of_the_graph(name: str) -> None:
    package = find_package(GOLDEN, name)
    batch = GRAY[:, None] if package.manifest.input.layout == "NCHW" else GRAY[..., None]
    scores = InferenceSession(package).run(batch)
    probability, cam = tiny_outputs(GRAY)
    np.testing.assert_allclose(scores.probability, probability, atol=1e-6)
    np.testing.assert_allclose(scores.cam, cam, atol=1e-5)
    assert scores.image(2).cam.shape == (2, 8, 8)
    np.testing.assert_array_equal(scores.image(2).probability, scores.probability[2])


def test_threads_of_a_session_are_bounded_and_do_not_spin() -> None:
    options = InferenceSession(PACKAGE, threads=3)._session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_altered_weights_are_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy_tiny(tmp_path)
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes() + b"\0")
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(ModelUnusable, match="altered"):
        InferenceSession(open_package(folder))


def test_a_file_that_is_no_graph(tmp_path: Path) -> None:
    garbage = b"not a graph"
    folder = copy_tiny(tmp_path, onnx_sha256=hashlib.sha256(garbage).hexdigest())
    (folder / "model.onnx").write_bytes(garbage)
    with pytest.raises(ModelUnusable, match="is no ONNX graph"):
        InferenceSession(open_package(folder))


FINDING = PACKAGE.manifest.model_dump(mode="json")["findings"][0]
INPUT = PACKAGE.manifest.model_dump(mode="json")["input"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"input": INPUT | {"height": 128}},
            r"input 'image' is \[any, 1, 64, 64\], the manifest says \[any, 1, 128, 64\]",
        ),
        ({"input": INPUT | {"layout": "NHWC"}}, "the manifest says"),
        ({"input": INPUT | {"name": "picture"}}, r"no input 'picture' \(it has 'image'\)"),
        ({"outputs": {"probability": "p", "cam": "cam"}}, "no output 'p'"),
        ({"outputs": {"probability": "probability", "cam": "heat"}}, "no output 'heat'"),
        ({"outputs": {"probability": "probability", "cam": "probability"}}, "output 'probability' is"),
        ({"findings": [FINDING]}, r"the manifest says \[any, 1\]"),
    ],
)
def test_a_graph_that_is_not_what_its_manifest_says(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    folder = copy_tiny(tmp_path, **changes)
    with pytest.raises(ModelUnusable, match=message):
        InferenceSession(open_package(folder))


def tensor(name: str, *shape: int | str, kind: str = "tensor(float)") -> Any:
    return SimpleNamespace(name=name, type=kind, shape=list(shape))


IMAGE, PROBABILITY, CAM = tensor("image", "N", 1, 64, 64), tensor("probability", "N", 2), tensor("cam", "N", 2, 8, 8)


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        ([IMAGE, tensor("age", "N")], [PROBABILITY, CAM], "2 inputs"),
        ([tensor("image", 1, 1, 64, 64)], [PROBABILITY, CAM], "batches of 1 only"),
        ([tensor("image", "N", 1, 64, 64, kind="tensor(float16)")], [PROBABILITY, CAM], "not tensor"),
        ([IMAGE], [PROBABILITY, tensor("cam", "N", 3, 8, 8)], "no axis for 2 findings"),
        ([IMAGE], [PROBABILITY, tensor("cam", "N", 2, 8)], "the manifest says"),
    ],
)
def test_every_disagreement_is_named(inputs: list[Any], outputs: list[Any], message: str) -> None:
    problems = graph_problems(PACKAGE.manifest, inputs, outputs)
    assert len(problems) == 1 and message in problems[0]


def test_where_both_layouts_fit_the_input_decides() -> None:
    assert graph_problems(PACKAGE.manifest, [IMAGE], [PROBABILITY, CAM]) == []
    outputs = [PROBABILITY, tensor("cam", "N", 2, 2, 2)]
    assert findings_axis(PACKAGE.manifest, outputs) == 1
    assert findings_axis(find_package(GOLDEN, "tiny-nhwc").manifest, outputs) == 3
    assert findings_axis(PACKAGE.manifest, [PROBABILITY, tensor("cam", "N", 8, 8, 2)]) == 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_input_that_is_not_finite_gets_no_score(value: float) -> None:
    batch = GRAY[:1, None].copy()
    batch[0, 0, 5, 5] = value
    with pytest.raises(InvalidScore, match="NaN or infinity") as raised:
        InferenceSession(PACKAGE).run(batch)
    assert not raised.value.retry


GOOD_P, GOOD_CAM = np.full((1, 2), 0.5), np.zeros((1, 2, 8, 8))


@pytest.mark.parametrize(
    ("probability", "cam", "message"),
    [
        (GOOD_P * np.nan, GOOD_CAM, "NaN"),
        (GOOD_P, GOOD_CAM + np.inf, "infinity"),
        (GOOD_P + 0.6, GOOD_CAM, "outside 0 to 1"),
        (GOOD_P - 0.6, GOOD_CAM, "outside 0 to 1"),
        (GOOD_P[:, :1], GOOD_CAM, "shapes"),
        (GOOD_P, GOOD_CAM[0], "shapes"),
    ],
)
def test_what_is_no_probability_is_refused(probability: Any, cam: Any, message: str) -> None:
    with pytest.raises(InvalidScore, match=message):
        checked_scores(PACKAGE.manifest, 1, probability, cam)


GATED = open_package(TINY_GATED).manifest
GATE_ANSWER = np.array([[0.7, 0.2, 0.1]], np.float32)


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        (None, "gate of shape"),
        (GATE_ANSWER[:, :2], "gate of shape"),
        (GATE_ANSWER + 0.1, "do not add up to 1"),
        (GATE_ANSWER * np.nan, "do not add up to 1"),
        (np.array([[1.2, -0.2, 0.0]]), "do not add up to 1"),
    ],
)
def test_what_is_no_verdict_of_a_gate_is_refused(gate: Any, message: str) -> None:
    with pytest.raises(InvalidScore, match=message):
        checked_scores(GATED, 1, GOOD_P, GOOD_CAM, gate)


def test_the_verdict_of_one_image_of_a_batch_is_its_own() -> None:
    scores = InferenceSession(open_package(TINY_GATED)).run(GRAY[:, None])
    alone = scores.image(2).gate
    assert alone is not None and scores.gate is not None
    np.testing.assert_array_equal(alone, scores.gate[2])
    assert InferenceSession(PACKAGE).run(GRAY[:, None]).gate is None


def test_a_graph_without_the_gate_that_its_manifest_names(tmp_path: Path) -> None:
    folder = copy_tiny(tmp_path, gate=GATE)
    with pytest.raises(ModelUnusable, match="no output 'gate'"):
        InferenceSession(open_package(folder))


def test_a_gate_of_other_kinds_than_its_manifest_names(tmp_path: Path) -> None:
    fewer = {**GATE, "kinds": GATE["kinds"][:2]}
    folder = copy_tiny(tmp_path, TINY_GATED, gate=fewer)
    with pytest.raises(ModelUnusable, match=r"output 'gate' is \[any, 3\], the manifest says \[any, 2\]"):
        InferenceSession(open_package(folder))


OUTLINED = open_package(TINY_LUNGS).manifest
LUNGS_ANSWER = np.full((1, 1, 32, 32), 0.5, np.float32)


@pytest.mark.parametrize(
    ("lungs", "message"),
    [
        (None, "lungs of shape"),
        (LUNGS_ANSWER[:, 0], "lungs of shape"),
        (np.repeat(LUNGS_ANSWER, 2, axis=1), "lungs of shape"),
        (np.repeat(LUNGS_ANSWER, 2, axis=0), "lungs of shape"),
        (LUNGS_ANSWER * np.nan, "no shares of 0 to 1"),
        (LUNGS_ANSWER + 0.6, "no shares of 0 to 1"),
        (LUNGS_ANSWER - 0.6, "no shares of 0 to 1"),
    ],
)
def test_what_is_no_outline_of_lungs_is_refused(lungs: Any, message: str) -> None:
    with pytest.raises(InvalidScore, match=message):
        checked_scores(OUTLINED, 1, GOOD_P, GOOD_CAM, lungs=lungs)


def test_the_lungs_of_one_image_of_a_batch_are_its_own() -> None:
    scores = InferenceSession(open_package(TINY_LUNGS)).run(GRAY[:, None])
    alone = scores.image(2).lungs
    assert alone is not None and scores.lungs is not None and alone.shape == (32, 32)
    np.testing.assert_array_equal(alone, scores.lungs[2])
    assert scores.gate is None
    assert InferenceSession(PACKAGE).run(GRAY[:, None]).lungs is None


def test_a_graph_without_the_lungs_that_its_manifest_names(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="no output 'lungs'"):
        InferenceSession(open_package(copy_tiny(tmp_path, lungs=LUNGS)))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (("N", 1, 64, 64), ""),
        (("N", 1, 16, 512), ""),
        (("N", 2, 64, 64), "the manifest says"),
        (("N", 64, 64), "the manifest says"),
        ((1, 1, 64, 64), "batches of 1 only"),
        (("N", 1, "h", "w"), "each side needs 16 to 512 cells"),
        (("N", 1, 8, 64), "each side needs 16 to 512 cells"),
        (("N", 1, 64, 1024), "each side needs 16 to 512 cells"),
    ],
)
def test_an_outline_of_another_shape_than_that_of_lungs_is_named(shape: tuple[Any, ...], message: str) -> None:
    problems = graph_problems(OUTLINED, [IMAGE], [PROBABILITY, CAM, tensor("lungs", *shape)])
    assert len(problems) == bool(message) and message in "".join(problems)


def test_a_rounding_error_above_one_is_one() -> None:
    assert checked_scores(PACKAGE.manifest, 1, GOOD_P + 0.5 + 1e-7, GOOD_CAM).probability.max() == 1


def test_a_run_that_fails_may_be_tried_again() -> None:
    session = InferenceSession(PACKAGE)
    with pytest.raises(InferenceFailed, match=r"tiny@1\.0\.0 failed on 'cpu'") as raised:
        session.run(np.zeros((1, 1, 3, 3), np.float32))
    assert raised.value.retry and "\n" not in str(raised.value)


# Providers. No test machine needs a GPU: an ONNX Runtime with CUDA is played by a stand-in.

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
RealSession = onnxruntime.InferenceSession


class StandIn:
    """Behaves like ONNX Runtime's session with the GPU wheel, as the documentation and the measurements say."""

    works = True
    took = CUDA

    def __init__(self, weights: bytes, options: Any, providers: list[Any]) -> None:
        self._session = RealSession(weights, options, providers=[CPU])
        self._on_cuda = providers[0][0] == CUDA
        self.options = providers[0][1]
        self.fallback = True

    def get_providers(self) -> list[str]:
        return [self.took, CPU] if self._on_cuda else [CPU]

    def disable_fallback(self) -> None:
        self.fallback = False

    def run(self, names: Any, feeds: Any, *_: object) -> Any:
        assert not self.fallback
        if self._on_cuda and not self.works:
            raise Fail("[ONNXRuntimeError] : 1 : FAIL : CUDA failure 100: no CUDA-capable device is detected\nmore")
        return self._session.run(names, feeds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


@pytest.fixture
def gpu_wheel(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    class Fresh(StandIn):
        pass

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: print("Failed to load libcudart"))
    monkeypatch.setattr(onnxruntime, "InferenceSession", Fresh)
    return Fresh


def test_the_gpu_is_taken_where_it_works(gpu_wheel: type[StandIn]) -> None:
    session = InferenceSession(PACKAGE, gpu_required=True)
    assert session.provider == "cuda"
    assert session._session.options == {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}


def cuda_libraries_are_missing(gpu_wheel: type[StandIn]) -> None:
    gpu_wheel.took = CPU


def the_first_run_fails(gpu_wheel: type[StandIn]) -> None:
    gpu_wheel.works = False


@pytest.mark.parametrize(
    ("breakage", "reason"),
    [(cuda_libraries_are_missing, f"took {CPU} instead"), (the_first_run_fails, "CUDA failure 100")],
)
def test_a_gpu_that_cannot_be_used_is_passed_over_and_named(
    gpu_wheel: type[StandIn],
    breakage: Callable[[type[StandIn]], None],
    reason: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    breakage(gpu_wheel)
    caplog.set_level(logging.INFO)
    session = InferenceSession(PACKAGE)
    assert session.provider == "cpu"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1 and "cuda" in warnings[0] and reason in warnings[0]
    assert any(getattr(record, "provider", "") == "cpu" for record in caplog.records)
    np.testing.assert_allclose(session.run(GRAY[:, None]).probability, tiny_outputs(GRAY)[0], atol=1e-6)
    assert capsys.readouterr().out == "", "standard output belongs to the results"

    with pytest.raises(ConfigurationError, match="gpu_required is set, but no GPU can be used") as raised:
        InferenceSession(PACKAGE, gpu_required=True)
    assert reason in str(raised.value)


def test_the_cpu_wheel_runs_on_the_cpu_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    if CUDA in onnxruntime.get_available_providers():
        pytest.skip("this is the GPU wheel of ONNX Runtime")
    caplog.set_level(logging.INFO)
    assert InferenceSession(PACKAGE, ("cuda", "cpu")).provider == "cpu"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    with pytest.raises(ConfigurationError, match="built without CUDAExecutionProvider"):
        InferenceSession(PACKAGE, ("cuda", "cpu"), gpu_required=True)


def test_a_gpu_is_not_taken_when_the_settings_name_the_cpu_only(gpu_wheel: type[StandIn]) -> None:
    assert InferenceSession(PACKAGE, ("cpu",)).provider == "cpu"
    with pytest.raises(ConfigurationError, match="does not list cuda"):
        InferenceSession(PACKAGE, ("cpu",), gpu_required=True)


def test_without_any_usable_provider_there_is_no_session(gpu_wheel: type[StandIn]) -> None:
    gpu_wheel.works = False
    with pytest.raises(ModelUnusable, match="no provider can run it: cuda"):
        InferenceSession(PACKAGE, ("cuda",))
