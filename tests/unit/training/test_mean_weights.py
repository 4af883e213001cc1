"""A run made of the weights of others: their mean, place by place, and what is said of shares that are none."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from converter.package.network import InputSpec
from training.__main__ import main
from training.learning.network_shapes import Residual

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow ([training]) not installed"),
    pytest.mark.filterwarnings("ignore"),
]
SPEC = InputSpec.model_validate({"height": 32, "width": 32, "layout": "NCHW", "normalisation": {"name": "scale"}})


@pytest.fixture(scope="module")
def lab() -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from training.learning import mean_weights, zoo
    return SimpleNamespace(mean=mean_weights, zoo=zoo)


def saved(lab: SimpleNamespace, run: Path, filters: int, seed: int) -> list[np.ndarray]:
    network = lab.zoo.build(Residual(stem=4, stages=(filters,), strides=(2,), dropout=0.1), SPEC, 1)
    rng = np.random.default_rng(seed)
    network.set_weights([rng.uniform(0, 1, weight.shape) for weight in network.get_weights()])
    run.mkdir()
    network.save(run / "weights.keras")
    return list(network.get_weights())


def test_every_weight_is_the_mean_of_its_places(lab: SimpleNamespace, tmp_path: Path) -> None:
    first, second = (saved(lab, tmp_path / name, 6, seed) for seed, name in enumerate(("a", "b")))
    mean = lab.mean.mean_of([(tmp_path / "a", 0.25), (tmp_path / "b", 0.75)]).get_weights()
    assert len(mean) == len(first)
    for one, other, found in zip(first, second, mean, strict=True):
        assert np.allclose(found, 0.25 * one + 0.75 * other, atol=1e-6)


def test_runs_of_different_networks_have_no_mean(lab: SimpleNamespace, tmp_path: Path) -> None:
    saved(lab, tmp_path / "a", 6, 0)
    saved(lab, tmp_path / "b", 8, 1)
    with pytest.raises(SystemExit, match=r"a: another network than that of .*b"):
        lab.mean.mean_of([(tmp_path / "a", 0.5), (tmp_path / "b", 0.5)])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["a"], "two runs at least"),
        (["a=0.5", "b"], "each with a share or none"),
        (["a=0.5", "b=0.4"], "add up to 0.9"),
        (["a=half", "b=0.5"], "'half' is no share"),
        (["a=0", "b=1"], "'0' is no share"),
        (["a", "b"], "recipe.yaml"),
    ],
)
def test_what_is_no_mean_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["mean-weights", *given, "--name", "m", "--runs", str(tmp_path)])
    assert said in str(ended.value) + capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_a_run_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "outcome.json").write_text(json.dumps({}))
    with pytest.raises(SystemExit, match="exists"):
        main(["mean-weights", "a", "b", "--name", "m", "--runs", str(tmp_path)])
