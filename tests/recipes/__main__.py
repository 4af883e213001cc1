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
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from converter.manifest import load_manifest
from tests.recipes.data import PATIENTS, data_arguments
from training.recipe import Recipe, load_recipe

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "config" / "training"
REPORTS = ROOT / "training" / "reports"
STEPS = 150
STEP_TIMEOUT_S = 3600
VERSION = "0.0.1"


@dataclass(frozen=True)
class Proof:
    """What one recipe came to; `failed` names the command that did not end well."""

    recipe: str
    drawn: bool
    minutes: float
    package: Path
    failed: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.recipes", description=__doc__)
    parser.add_argument("recipes", nargs="*", help="file names in config/training without .yaml")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--patients", type=int, default=PATIENTS, help="of drawn cohorts")
    parser.add_argument("--out", type=Path, default=ROOT / "training" / "runs" / "proof")
    arguments = parser.parse_args()
    names = arguments.recipes or sorted(file.stem for file in RECIPES.glob("*.yaml") if begins(file))
    proofs = [prove(name, arguments.out / name, arguments.steps, arguments.patients) for name in names]
    for proof in proofs:
        if not proof.failed:
            publish(proof)
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "README.md").write_text(overview(proofs, arguments.steps), encoding="utf-8")
    if any(proof.failed for proof in proofs):
        raise SystemExit("; ".join(f"{proof.recipe}: {proof.failed}" for proof in proofs if proof.failed))


def begins(file: Path) -> bool:
    """Whether a recipe starts from nothing: one that refines the run of another says so in its first line."""
    return "--start-from" not in file.read_text(encoding="utf-8").splitlines()[0]


def prove(name: str, out: Path, steps: int, patients: int) -> Proof:
    """One recipe the whole way, in a folder of its own that is made anew."""
    if out.exists():
        shutil.rmtree(out)
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
    return Proof(name, drawn, (time.monotonic() - started) / 60, package, failed)


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


def publish(proof: Proof) -> None:
    """The card, and the page without pictures, where training/README.md links to."""
    folder = REPORTS / proof.recipe
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(proof.package / "CARD.md", folder / "CARD.md")
    shutil.copyfile(proof.package.parents[2] / "devtest.html", folder / "devtest.html")


def overview(proofs: list[Proof], steps: int) -> str:
    lines = [
        "# Every recipe, the whole way",
        "Written by `python -m tests.recipes`; do not edit. It shows that a recipe trains, is packaged, judged, "
        f"described and verified, and not how good it can get: {steps} steps each, on a part of the development films "
        "or on pictures drawn in the published layout of the cohorts. No weights of these runs are shipped.",
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.system()}.",
        "| recipe | data | whole way | minutes | calibration | AUC on devtest |\n|---|---|---|---|---|---|\n"
        + "\n".join(row(proof) for proof in proofs),
    ]
    return "\n\n".join(lines) + "\n"


def row(proof: Proof) -> str:
    data = "drawn" if proof.drawn else "films"
    if proof.failed:
        return f"| {proof.recipe} | {data} | no: {proof.failed} | {proof.minutes:.1f} | | |"
    manifest = load_manifest(proof.package / "manifest.yaml")
    figures = json.loads((proof.package.parents[2] / "devtest.json").read_text(encoding="utf-8"))
    calibrations = ", ".join(f"{one.name}: {one.calibration.method}" for one in manifest.findings)
    links = f"[card]({proof.recipe}/CARD.md), [report]({proof.recipe}/devtest.html)"
    return f"| {proof.recipe}: {links} | {data} | yes | {proof.minutes:.1f} | {calibrations} | {aucs(figures)} |"


def aucs(figures: dict[str, Any]) -> str:
    found = []
    for finding in figures["findings"]:
        for group in finding["groups"]:
            if group["kind"] == "source" and group["auc"]["value"] is not None:
                found.append(f"{finding['name']}, {group['name']}: {group['auc']['value']:.3f}")
    return "; ".join(found) or "too few images"


if __name__ == "__main__":
    main()
