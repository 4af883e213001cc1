"""A recipe without lawful data goes the whole way on drawn pictures: run, package, figures, card, service.

Skipped where TensorFlow (the extra [training]) is missing. Each command is a process of its own, as a person runs it.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from converter.package.manifest import load_manifest
from tests.recipes.data import draw
from tests.recipes.line import VERSION, Stage
from tests.support.checkout import CHECKOUT

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow ([training]) not installed"),
    pytest.mark.timeout(1500),
]
NAME = "seed-trio-tuberculosis"
COHORTS = {"montgomery": 30, "shenzhen": 60, "tbx11k": 60}
COMMAND_TIMEOUT_S = 600


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=CHECKOUT, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def whole_way(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the commands of one recipe ran."""
    out = tmp_path_factory.mktemp("proof")
    stage = Stage(NAME, out, steps=6)
    stage.folder.mkdir()
    data = [f"--data={cohort}={draw(cohort, out / 'data' / cohort, n)}" for cohort, n in COHORTS.items()]
    (out / "data.json").write_text(json.dumps(data))
    for command in stage.commands(data):
        run(*command)
    return out


def package_of(out: Path) -> Path:
    (package,) = (out / "models").glob("*/*")
    return package


def test_the_package_is_whole_and_says_that_it_was_made_of_drawings(whole_way: Path) -> None:
    package = package_of(whole_way)
    files = {str(file.relative_to(package)) for file in package.rglob("*") if file.is_file()}
    assert files == {"CARD.md", "manifest.yaml", "model.onnx", "reference.npz", "report/figures.json"}
    manifest = load_manifest(package / "manifest.yaml")
    assert [finding.name for finding in manifest.findings] == ["tuberculosis"]
    assert all(cohort.made for cohort in manifest.cohorts)
    assert "no clinical weights are shipped" in (package / "CARD.md").read_text(encoding="utf-8")


def test_the_package_states_how_near_it_is_to_its_network_over_all_of_devtest(whole_way: Path) -> None:
    manifest = load_manifest(package_of(whole_way) / "manifest.yaml")
    parity = manifest.provenance.parity
    assert parity is not None
    figures = json.loads((whole_way / NAME / "devtest.json").read_text(encoding="utf-8"))
    assert (parity.split, parity.images) == ("devtest", figures["counts"]["labelled"])
    assert parity.probability <= 1e-4


def test_another_process_writes_the_same_package_to_the_byte(whole_way: Path) -> None:
    first = package_of(whole_way)
    again = whole_way / "again" / first.parent.name / VERSION
    data = json.loads((whole_way / "data.json").read_text())
    run("training", "package", str(whole_way / "runs" / NAME), str(again), *data)
    run("training", "card", str(again), str(whole_way / NAME / "devtest.json"))
    for file in [file for file in first.rglob("*") if file.is_file()]:
        assert (again / file.relative_to(first)).read_bytes() == file.read_bytes(), file.name
