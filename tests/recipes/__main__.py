"""Takes recipes the whole way, each for a few steps: train, package, evaluate, card, verify; tells what came of it.

    python -m tests.recipes                          (every recipe that starts from nothing)
    python -m tests.recipes seed-two-convolutions    (these only)

Recipes whose cohorts are among the development films use a part of these; the others pictures drawn in the published
layout of their cohorts. Nothing of it goes under models/: packages stay in --out; their cards, pages without pictures
and a table are written to training/reports. Exit 0 only when every recipe went the whole way.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from converter.manifest import load_manifest
from tests.recipes.data import PATIENTS, data_arguments
from training.recipe import Recipe, load_recipe

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "config" / "training"
REPORTS = ROOT / "training" / "reports"
STEPS = 60
STEP_TIMEOUT_S = 3600
VERSION = "0.0.1"


@dataclass(frozen=True)
class Proof:
    """What one recipe came to; `failed` names the command that did not end well."""

    recipe: str
    data: str
    steps: int
    minutes: float
    failed: str = ""
    calibration: str = ""
    auc: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.recipes", description=__doc__)
    parser.add_argument("recipes", nargs="*", help="file names in config/training without .yaml")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--patients", type=int, default=PATIENTS, help="of drawn cohorts")
    parser.add_argument("--out", type=Path, default=ROOT / "training" / "runs" / "proof")
    arguments = parser.parse_args()
    names = arguments.recipes or sorted(file.stem for file in RECIPES.glob("*.yaml") if begins(file))
    REPORTS.mkdir(exist_ok=True)
    proofs = []
    for name in names:
        proofs.append(prove(name, arguments.out / name, arguments.steps, arguments.patients))
        (REPORTS / "README.md").write_text(overview(), encoding="utf-8")
    if any(proof.failed for proof in proofs):
        raise SystemExit("; ".join(f"{proof.recipe}: {proof.failed}" for proof in proofs if proof.failed))


def begins(file: Path) -> bool:
    """Whether a recipe starts from nothing: one that refines the run of another says so in its first line."""
    return "--start-from" not in file.read_text(encoding="utf-8").splitlines()[0]


def prove(name: str, out: Path, steps: int, patients: int) -> Proof:
    """One recipe the whole way, in a folder of its own that is made anew; what came of it lies in training/reports."""
    for old in (out, REPORTS / name):
        shutil.rmtree(old, ignore_errors=True)
    recipe = load_recipe(RECIPES / f"{name}.yaml")
    data, drawn = data_arguments(recipe, out / "data", patients)
    package, started = out / "models" / recipe.name / VERSION, time.monotonic()
    failed = ""
    for command in commands(name, recipe, out, package, data, steps):
        print(f"{name}: {' '.join(command[:2])}", flush=True)
        with (out / "log.txt").open("a", encoding="utf-8") as log:
            done = subprocess.run(
                [sys.executable, "-m", *command], cwd=ROOT, stdout=log, stderr=log, timeout=STEP_TIMEOUT_S, check=False
            )
        if done.returncode:
            failed = f"{command[0]} ended with {done.returncode}, see {out / 'log.txt'}"
            break
    minutes = round((time.monotonic() - started) / 60, 1)
    proof = Proof(name, "pictures drawn" if drawn else "part of the films", steps, minutes, failed)
    if not failed:
        proof = replace(proof, calibration=calibrations(package), auc=aucs(out / "devtest.json"))
        publish(proof, out, package)
    return proof


def commands(name: str, recipe: Recipe, out: Path, package: Path, data: list[str], steps: int) -> list[list[str]]:
    figures, page = out / "devtest.json", out / "devtest.html"
    judged = ["--cohorts", *recipe.cohorts, "--json", str(figures), "--html", str(page), "--no-pictures"]
    return [
        ["training.train", f"config/training/{name}.yaml", "--name=run", f"--runs={out}", f"--steps={steps}", *data],
        ["training.package", str(out / "run"), str(package), *data],
        ["training.evaluate", str(package), *judged, *data],
        ["training.card", str(package), str(figures)],
        ["scp_node.cli", "models", "verify", f"--models-dir={out / 'models'}"],
    ]


def publish(proof: Proof, out: Path, package: Path) -> None:
    """The figures, the card and the page without pictures, where training/README.md links to."""
    folder = REPORTS / proof.recipe
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "proof.json").write_text(json.dumps(asdict(proof), indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(package / "CARD.md", folder / "CARD.md")
    shutil.copyfile(out / "devtest.html", folder / "devtest.html")


def overview() -> str:
    """The table of all recipes that ever went the whole way here."""
    proofs = [Proof(**json.loads(file.read_text(encoding="utf-8"))) for file in sorted(REPORTS.glob("*/proof.json"))]
    rows = [
        f"| {one.recipe} | [card]({one.recipe}/CARD.md), [page]({one.recipe}/devtest.html) | {one.data} | "
        f"{one.steps} | {one.minutes:.1f} | {one.calibration} | {one.auc} |"
        for one in proofs
    ]
    lines = [
        "# Recipes taken the whole way",
        "Written by `python -m tests.recipes`; do not edit. A row says that the recipe was trained, packaged, judged, "
        "described and verified, and not how good it can get: so few steps, on a part of the development films or on "
        "pictures drawn in the published layout of its cohorts. No weights of these runs are shipped.",
        "\n".join(
            ["| recipe | reports | data | steps | minutes | calibration | AUC on devtest |", "|" + "---|" * 7, *rows]
        ),
    ]
    return "\n\n".join(lines) + "\n"


def calibrations(package: Path) -> str:
    manifest = load_manifest(package / "manifest.yaml")
    return "; ".join(f"{one.name}: {one.calibration.method}" for one in manifest.findings)


def aucs(figures: Path) -> str:
    found = []
    for finding in json.loads(figures.read_text(encoding="utf-8"))["findings"]:
        for group in finding["groups"]:
            if group["kind"] == "source" and group["auc"]["value"] is not None:
                found.append(f"{finding['name']}, {group['name']}: {group['auc']['value']:.3f}")
    return "; ".join(found) or "too few images"


if __name__ == "__main__":
    main()
