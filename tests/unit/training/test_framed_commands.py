"""Every command on a recipe or a package with a frame: it works, or ends with one sentence.

The outline is the bright part of drawn films (tests/support/models/outline.py), so nothing has to be fitted.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from converter.package.manifest import load_manifest
from tests.support.checkout import CONFIG
from tests.support.cohorts.small_cohorts import draw_cohorts
from tests.support.models.tiny_model import TINY
from training.__main__ import main
from training.data.images import load_model_inputs
from training.data.recipe_data import load_recipe_data
from training.learning.recipe import Recipe, load_recipe, save_recipe, with_values
from training.packaging.manifest_file import write_manifest

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed (extra [training])")
from tests.support.models.outline import finding_graph, outline_graph  # noqa: E402
from training.lungs.attach import framed_graph  # noqa: E402
from training.lungs.packaged import outlines, read_graph  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
taught = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow ([training]) not installed"
)
SMALL: dict[str, Any] = {
    "input.height": 128,
    "input.width": 128,
    "frame.height": 64,
    "frame.width": 64,
    "frame.lungs": "lungs",
    "frame.opacity": 0.5,
    "network": {"family": "residual", "stem": 4, "stages": [6, 8], "strides": [2, 2], "dropout": 0.1},
    "cohorts": {"kermany224": {"per_class": 2, "label_smoothing": 0.1}},
    "steps": 4,
    "report_steps": 2,
    "warmup_steps": 2,
    "search": {"learning_rate": {"low": 0.001, "high": 0.01}},
}


def small(**values: Any) -> Recipe:
    return with_values(load_recipe(CONFIG / "training" / "pneumonia-framed.yaml"), SMALL | values)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with a recipe with a frame and what outlines lungs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HILUM_DATA", raising=False)
    Path("lungs").mkdir()
    Path("lungs/lungs.onnx").write_bytes(outline_graph())
    Path("lungs/lungs.yaml").write_text("output: lungs\n", encoding="utf-8")
    save_recipe(Path("framed.yaml"), small())
    return tmp_path


def framed_package(folder: Path) -> Path:
    """The tiny package with a graph that cuts a frame."""
    shutil.copytree(TINY, folder)
    manifest = load_manifest(folder / "manifest.yaml")
    spec = manifest.input.model_copy(update={"height": 128, "width": 128})
    graph = framed_graph(outline_graph(), spec, small().looked_at, finding_graph(64, 8))
    (folder / "model.onnx").write_bytes(graph)
    changes = {"input": spec, "onnx_sha256": hashlib.sha256(graph).hexdigest()}
    write_manifest(folder / "manifest.yaml", manifest.model_copy(update=changes))
    return folder


def read_gray(file: Path) -> np.ndarray:
    pixels = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    return pixels


def command(*given: str | Path) -> None:
    main([str(one) for one in given])


# Without TensorFlow


def test_keras_is_not_timed_without_the_frame(place: Path) -> None:
    with pytest.raises(SystemExit, match=r"^framed.yaml: .*leave --recipe out$"):
        command("latency", TINY, "--recipe", "framed.yaml")


def test_a_package_with_a_frame_is_timed_whole(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = framed_package(place / "tiny" / "1.0.0")
    spec = load_manifest(package / "manifest.yaml").input
    films = np.random.default_rng(0).normal(size=(2, 1, spec.height, spec.width)).astype(np.float32)
    with np.load(package / "reference.npz") as reference:
        np.savez(package / "reference.npz", **{**reference, "inputs": films})
    command("latency", package, "--rounds", "2", "--json", "times.json")
    assert list(json.loads(Path("times.json").read_text())) == ["ONNX Runtime, plain", "ONNX Runtime, with map"]
    assert "| ONNX Runtime, plain |" in capsys.readouterr().out


def test_a_package_with_a_frame_is_not_made_coarser(place: Path) -> None:
    pytest.importorskip("onnxruntime.quantization")
    package = framed_package(place / "tiny" / "1.0.0")
    for kind in ("int8", "fp16"):
        with pytest.raises(
            SystemExit, match=r"^tiny/1.0.0: cuts a frame round the lungs.*no packages of fewer bits are made"
        ):
            command("quantize", "tiny/1.0.0", "tiny/1.1.0", "--kind", kind)
    assert package.exists() and not Path("tiny/1.1.0").exists()


# With it


@taught
def test_a_run_with_a_frame_is_taught_searched_and_packaged(place: Path) -> None:
    data = draw_cohorts(place / "data", "kermany224")
    for file in data.rglob("*.png"):  # so large that a package does not decline them
        cv2.imwrite(str(file), cv2.resize(read_gray(file), (300, 300)))
    given = ("--data", data, "--runs", "runs")
    command("train", "framed.yaml", "--name", "first", *given)
    command("mean-weights", "runs/first", "runs/first", "--name", "mean", *given)
    command("tune", "framed.yaml", "--method", "random", "--trials", "1", "--steps", "2", "--name", "search", *given)
    assert load_recipe(Path("runs/search/best.yaml")).frame == small().frame
    command("package", "runs/mean", "made/framed/0.1.0", "--data", data)
    manifest = load_manifest(Path("made/framed/0.1.0/manifest.yaml"))
    graph = onnx.load("made/framed/0.1.0/model.onnx")
    assert [one.name for one in graph.graph.output] == ["probability", "cam", "lungs"]
    assert (manifest.input.height, manifest.provenance.parity is not None) == (128, True)


@taught
def test_lungs_that_were_not_fitted_are_told_before_anything_is_taught(place: Path) -> None:
    data = draw_cohorts(place / "data", "kermany224")
    Path("lungs/lungs.onnx").unlink()
    with pytest.raises(SystemExit, match=r"lungs holds no fitted lungs .*python -m training lungs fit"):
        command("train", "framed.yaml", "--name", "first", "--data", data, "--runs", "runs")


@taught
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"input.height": 96}, "128 x 128 at least"),
        ({"input.normalisation": {"name": "centre-rank"}}, "not the ranks of 'centre-rank'"),
    ],
)
def test_an_input_that_cannot_be_outlined_is_told(changes: dict[str, Any], told: str, place: Path) -> None:
    data = draw_cohorts(place / "data", "kermany224")
    save_recipe(Path("framed.yaml"), small(**changes))
    with pytest.raises(SystemExit, match=rf"^input of pneumonia-framed: .*{told}"):
        command("train", "framed.yaml", "--name", "first", "--data", data, "--runs", "runs")


@taught
def test_a_run_with_a_frame_is_no_teacher(place: Path) -> None:
    from training.learning.teachers import soft_targets

    Path("run").mkdir()
    save_recipe(Path("run/recipe.yaml"), small())
    student = small(frame=None, teachers={"runs": ["run"], "weight": 0.5})
    with pytest.raises(SystemExit, match=r"^run: looks at a frame round the lungs; only a run that takes whole films"):
        soft_targets(student, [])


@taught
def test_weights_of_a_whole_film_are_not_taken_back_into_a_frame_nor_the_other_way(place: Path) -> None:
    package = framed_package(place / "tiny" / "1.0.0")
    whole = place / "whole.yaml"
    save_recipe(whole, small(frame=None))
    for given, recipe, named in ((TINY, "framed.yaml", "framed.yaml"), (package, "whole.yaml", str(package))):
        with pytest.raises(SystemExit, match=rf"^{named}: looks at a frame round the lungs, and .* at the whole film$"):
            command("from-package", given, recipe, "--name", "back", "--runs", "runs")
    assert not Path("runs/back").exists()


@taught
def test_a_run_out_of_a_package_with_a_frame_gives_its_answers_by_the_same_outline(place: Path) -> None:
    data = draw_cohorts(place / "data", "kermany224")
    for file in data.rglob("*.png"):
        cv2.imwrite(str(file), cv2.resize(read_gray(file), (300, 300)))
    given = ("--data", data, "--runs", "runs")
    command("train", "framed.yaml", "--name", "first", *given)
    command("package", "runs/first", "made/framed/0.1.0", "--data", data)
    command("from-package", "made/framed/0.1.0", "framed.yaml", "--name", "back", *given)
    films = np.random.default_rng(1).integers(0, 256, (3, 160, 160), np.uint8)
    before, after = (outlines(read_graph(Path(folder)), films) for folder in ("lungs", "runs/back/lungs"))
    np.testing.assert_allclose(after, before, atol=1e-6)
    again = load_recipe(Path("runs/back/recipe.yaml"))
    assert again.frame is not None and again.frame.lungs == Path("runs/back/lungs")
    save_recipe(Path("own.yaml"), with_values(again, {"name": "own", "steps": 2, "report_steps": 1}))
    command("train", "own.yaml", "--name", "own", "--start-from", "runs/back", *given)
    from training.learning.lesson import answers, network_inputs
    from training.lungs.framing import framing_of
    from training.packaging.scores import score

    import keras  # isort: skip

    examples = load_recipe_data(["kermany224"], [str(data)])[:8]
    network = keras.models.load_model("runs/back/weights.keras", compile=False)
    found = answers(network, network_inputs(again, examples, framing_of(again)))
    wanted = score(Path("made/framed/0.1.0/model.onnx").read_bytes(), load_model_inputs(examples, again.input))
    np.testing.assert_allclose(found, wanted.probability, atol=1e-4)
