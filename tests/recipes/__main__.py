"""Takes recipes the whole way, each for a few steps, and tells what came of it.

    python -m tests.recipes                          (every recipe)
    python -m tests.recipes seed-two-convolutions    (these only, and those whose runs they start from)

Train, package, evaluate, card, verify; and for a recipe that starts a line of its own, tuning and baselines. Recipes
whose cohorts are among the development films use a part of these; the others pictures drawn in the published layout of
their cohorts. Nothing of it goes under models/: runs, packages, pages and plots stay in --out; cards, trials and
baselines are written to tests/recipes/results, a table of them to tests/recipes/RESULTS.md. Exit 0 only when every
recipe went the whole way.
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

from converter.package.manifest import load_manifest
from tests.recipes.data import PATIENTS, data_arguments
from tests.recipes.line import RECIPES, Stage, in_order
from tests.support.checkout import CHECKOUT
from training.learning.recipe import load_recipe

RESULTS = CHECKOUT / "tests" / "recipes" / "results"
TABLE = RESULTS.with_name("RESULTS.md")
STEPS = 60
STEP_TIMEOUT_S = 3600


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
    parser.add_argument("--out", type=Path, default=CHECKOUT / "training" / "runs" / "proof", help="made anew")
    arguments = parser.parse_args()
    names = in_order(arguments.recipes or sorted(file.stem for file in RECIPES.glob("*.yaml")))
    shutil.rmtree(arguments.out, ignore_errors=True)
    RESULTS.mkdir(exist_ok=True)
    proofs = []
    for name in names:
        proofs.append(prove(Stage(name, arguments.out, arguments.steps), arguments.patients))
        TABLE.write_text(overview(), encoding="utf-8")
    if any(proof.failed for proof in proofs):
        raise SystemExit("; ".join(f"{proof.recipe}: {proof.failed}" for proof in proofs if proof.failed))


def prove(stage: Stage, patients: int) -> Proof:
    """One recipe the whole way; what came of it lies in RESULTS."""
    shutil.rmtree(RESULTS / stage.name, ignore_errors=True)
    data, drawn = data_arguments(load_recipe(RECIPES / f"{stage.name}.yaml"), stage.out / "data", patients)
    stage.folder.mkdir(parents=True)
    started, failed = time.monotonic(), ""
    for command in stage.commands(data):
        print(f"{stage.name}: {' '.join(command[:2])}", flush=True)
        with (stage.folder / "log.txt").open("a", encoding="utf-8") as log:
            done = subprocess.run(
                [sys.executable, "-m", *command],
                cwd=CHECKOUT,
                stdout=log,
                stderr=log,
                timeout=STEP_TIMEOUT_S,
                check=False,
            )
        if done.returncode:
            failed = f"{' '.join(command[:2])} ended with {done.returncode}, see {stage.folder / 'log.txt'}"
            print(f"{stage.name}: {failed}", flush=True)
            break
    minutes = round((time.monotonic() - started) / 60, 1)
    proof = Proof(stage.name, "pictures drawn" if drawn else "part of the films", stage.steps, minutes, failed)
    if not failed:
        proof = replace(proof, calibration=calibrations(stage.package), auc=aucs(stage.figures))
        publish(proof, stage)
    return proof


def publish(proof: Proof, stage: Stage) -> None:
    """The numbers and the card; of a recipe that begins a line also its trials and baselines."""
    folder = RESULTS / stage.name
    folder.mkdir(parents=True)
    (folder / "proof.json").write_text(json.dumps(asdict(proof), indent=2) + "\n", encoding="utf-8")
    found = [stage.package / "CARD.md"]
    if stage.begins:
        found += [stage.trials, stage.baselines / "baselines.md", stage.baselines / "baselines.json"]
    for file in found:
        shutil.copyfile(file, folder / file.name)


def overview() -> str:
    """The table of all recipes that ever went the whole way here."""
    proofs = [Proof(**json.loads(file.read_text(encoding="utf-8"))) for file in sorted(RESULTS.glob("*/proof.json"))]
    rows = [
        f"| {one.recipe} | {links(one.recipe)} | {one.data} | {one.steps} | {one.minutes:.1f} | {one.calibration} | "
        f"{one.auc} |"
        for one in proofs
    ]
    lines = [
        "# Recipes taken the whole way",
        "Written by `python -m tests.recipes`; do not edit. A row says that the recipe was trained, packaged, judged, "
        "described and verified, where there are trials and baselines that it was tuned and compared too, and not how "
        "good it can get: so few steps, on a part of the development films or on pictures drawn in the published "
        "layout of its cohorts. No weights of these runs are shipped.",
        "\n".join(
            ["| recipe | results | data | steps | minutes | calibration | AUC on devtest |", "|" + "---|" * 7, *rows]
        ),
    ]
    return "\n\n".join(lines) + "\n"


def links(recipe: str) -> str:
    files = {"card": "CARD.md", "trials": "trials.csv", "baselines": "baselines.md"}
    there = {word: file for word, file in files.items() if (RESULTS / recipe / file).exists()}
    return ", ".join(f"[{word}](results/{recipe}/{file})" for word, file in there.items())


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
