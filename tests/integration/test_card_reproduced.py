"""`hilum predict` over the devtest films says what the card of every shipped package claims. Needs HILUM_DATA."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converter.package.manifest import Manifest, load_manifest
from scp_node.inference.packages import package_folders
from scp_node.settings.places import shipped_models_dir
from tests.support.cohorts.data import require_data
from tests.support.node.command import Hilum

PACKAGES = sorted(package_folders(shipped_models_dir()))
FIGURES_DECIMALS = 6
# The card's figures are of the films that the node answers.
DECLINED_MAX = 0.02


def pneumonia(row: dict[str, str]) -> bool:
    return row["label"] not in ("NORMAL", "No Finding")


# Whether a row of a manifest.csv is labelled with a finding.
TRUTH: dict[str, Callable[[dict[str, str]], bool]] = {
    "pneumonia": pneumonia,
    "bacterial-pneumonia": lambda row: row["sublabel"] == "bacteria",
    "viral-pneumonia": lambda row: row["sublabel"] == "virus",
    "glioma": lambda row: row["label"] == "GLIOMA",
    "meningioma": lambda row: row["label"] == "MENINGIOMA",
    "pituitary-tumour": lambda row: row["label"] == "PITUITARY",
}
# By cohort, the folder of its manifest.csv and the first part of its paths there.
COHORTS = {name: ("cxr", name) for name in ("kermany224", "kermany512", "nih512")} | {
    "brain_kinds": ("brain", "cheng224")
}
OVERRULED = "nih512_rsna_normal.csv"


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def devtest_films(data: Path, manifest: Manifest) -> dict[str, tuple[str, dict[str, str]]]:
    """File -> (cohort, its row), of the cohorts that the package learned from."""
    overruled = {row["path"] for row in rows(data / "cxr" / OVERRULED) if row["label"] == "PNEUMONIA"}
    films = {}
    for cohort in {one.name for one in manifest.cohorts} & set(COHORTS):
        place, first = COHORTS[cohort]
        for row in rows(data / place / "manifest.csv"):
            if (
                row["path"].startswith(f"{first}/")
                and row["split_suggested"] == "devtest"
                and row["path"] not in overruled
            ):
                films[str(data / place / row["path"])] = cohort, row
    return films


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
    manifest = load_manifest(package / "manifest.yaml")
    films = devtest_films(require_data(), manifest)
    name = f"{package.parent.name}@{package.name}"
    run = hilum("predict", "--models-dir", shipped_models_dir(), "--model", name, "--json", *films)
    assert run.code == 0, run.err
    answers: dict[tuple[str, str], list[tuple[float, bool, bool]]] = defaultdict(list)
    for line in [line for line in run.lines if line["declined"] is None]:
        cohort, row = films[line["file"]]
        for finding in line["findings"]:
            truth = TRUTH[finding["name"]](row)
            answers[finding["name"], cohort].append((finding["probability"], finding["positive"], truth))
    declined = sum(line["declined"] is not None for line in run.lines)
    assert declined < DECLINED_MAX * len(films)
    assert sum(map(len, answers.values())) == (len(films) - declined) * len(manifest.findings)
    claimed = {metric.name: metric for metric in manifest.metrics}
    for (finding, cohort), found in answers.items():
        of = f" of {finding}" if len(manifest.findings) > 1 else ""
        probability, marked, truths = map(np.array, zip(*found, strict=True))
        for figure, value in figures(probability, marked, truths).items():
            metric = claimed[f"{figure}{of}, {cohort}"]
            assert metric.images == len(found)
            assert value == pytest.approx(metric.value, abs=10**-FIGURES_DECIMALS), metric.name
