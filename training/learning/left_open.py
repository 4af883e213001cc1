"""What only a person can say about an own model, and has not said yet: no package is made before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.data.cohorts.own_data import FILE as COHORT_FILE
from training.data.recipe_data import folders, is_published
from training.learning.first_recipe import TO_BE_SAID
from training.learning.recipe import Recipe


def refuse_left_open(run: Path, recipe: Recipe, data: Sequence[str]) -> None:
    """End the program where recipe or cohort still ask what only a person can say."""
    texts = {f"{run / 'recipe.yaml'}": recipe.model_dump_json()}
    for name, folder in folders(recipe.cohorts, data, run).items():
        file = folder / COHORT_FILE
        if not is_published(name) and file.is_file():
            texts[str(file)] = file.read_text(encoding="utf-8")
    open_files = [where for where, text in texts.items() if TO_BE_SAID in text]
    if open_files:
        raise SystemExit(
            f"{' and '.join(open_files)}: complete the lines with '{TO_BE_SAID.strip()}': reports and the card repeat "
            "them. The run itself need not be repeated"
        )
