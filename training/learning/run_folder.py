"""The folder of a run, training/runs/NAME: who may begin it, and what says that it has come to its end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.data.remembered import OUTCOME
from training.learning import checkpoint
from training.learning.recipe import Recipe, load_recipe, save_recipe

WEIGHTS = "weights.keras"


def begin_run(run: Path, recipe: Recipe, resume: bool) -> None:
    """Make the folder; refuse to write over a run, or to go on with another recipe than the one it began with."""
    if resume:
        checkpoint.find(run)
        if load_recipe(run / "recipe.yaml") != recipe:
            raise SystemExit(
                f"{run}: was begun with another recipe (see recipe.yaml there); it cannot go on with this one"
            )
        return
    if (run / checkpoint.FILE).exists():
        raise SystemExit(f"{run}: a run of this name exists; --resume goes on with it, another --name begins anew")
    run.mkdir(parents=True, exist_ok=True)
    save_recipe(run / "recipe.yaml", recipe)


def refuse_existing(run: Path) -> None:
    """End the program where `run` exists: a run that is made in one go is never continued."""
    if run.exists():
        raise SystemExit(f"{run}: a run of this name exists; give another --name")


def save_outcome(
    run: Path, stages: Sequence[str], seconds: float = 0, val_auc: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """Write outcome.json: `stages` are the recipes and steps that made the weights, the first one first."""
    outcome: dict[str, Any] = {
        "stages": list(stages),
        "seconds": round(seconds),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if val_auc is not None:
        outcome["val_auc"] = dict(val_auc)
    (run / OUTCOME).write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    return outcome


def outcome_of(run: Path) -> dict[str, Any]:
    """outcome.json; ends the program where `run` has not come to its end."""
    try:
        return dict(json.loads((run / OUTCOME).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise SystemExit(f"{run}: no {OUTCOME} there; is it a run, and has it come to its end?") from None


def earlier_stages(run: Path | None) -> list[str]:
    """The recipes and steps that made the weights of the run that another one starts from."""
    return list(outcome_of(run)["stages"]) if run else []
