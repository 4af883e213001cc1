"""`hilum predict` over the devtest films says what the card of every shipped package claims. Needs HILUM_DATA."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from converter.package.manifest import load_manifest
from scp_node.inference.packages import package_folders
from scp_node.settings.places import shipped_models_dir
from tests.support.cohorts.data import require_data
from tests.support.node.command import Hilum

PACKAGES = sorted(package_folders(shipped_models_dir()))
COHORTS = {"kermany224", "kermany512", "nih512"}
# The labels of manifest.csv that name no finding.
NEGATIVE = {"NORMAL", "No Finding"}
FIGURES_DECIMALS = 6


def devtest_films(root: Path) -> dict[str, tuple[str, bool]]:
    """File -> (cohort, whether it is labelled with pneumonia)."""
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split_suggested"] == "devtest"]
    films = {str(root / row["path"]): (row["path"].split("/")[0], row["label"] not in NEGATIVE) for row in rows}
    return {file: film for file, film in films.items() if film[0] in COHORTS}


def figures(probability: np.ndarray, marked: np.ndarray, positive: np.ndarray) -> dict[str, float]:
    """By their definitions, pair by pair: independent of what wrote the card."""
    apart = probability[positive][:, np.newaxis] - probability[~positive]
    return {
        "auc": float(np.mean(np.where(apart == 0, 0.5, apart > 0))),
        "sensitivity": float(np.mean(marked[positive])),
        "specificity": float(np.mean(~marked[~positive])),
        "brier": float(np.mean((probability - positive) ** 2)),
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize("package", PACKAGES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_predict_gives_the_figures_of_the_card(hilum: Hilum, package: Path) -> None:
    films = devtest_films(require_data() / "cxr")
    name = f"{package.parent.name}@{package.name}"
    run = hilum("predict", "--models-dir", shipped_models_dir(), "--model", name, "--no-gate", "--json", *films)
    assert run.code == 0, run.err
    answers: dict[str, list[tuple[float, bool, bool]]] = defaultdict(list)
    for line in run.lines:
        cohort, positive = films[line["file"]]
        (finding,) = line["findings"]
        answers[cohort].append((finding["probability"], finding["positive"], positive))
    assert sum(map(len, answers.values())) == len(films)
    claimed = {metric.name: metric for metric in load_manifest(package / "manifest.yaml").metrics}
    for cohort, found in answers.items():
        probability, marked, truth = map(np.array, zip(*found, strict=True))
        for figure, value in figures(probability, marked, truth).items():
            metric = claimed[f"{figure}, {cohort}"]
            assert metric.images == len(found)
            assert value == pytest.approx(metric.value, abs=10**-FIGURES_DECIMALS), metric.name
