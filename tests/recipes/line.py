"""The commands that take one recipe the whole way, and the order in which recipes that start from each other go it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.support.checkout import CHECKOUT, CONFIG
from training.learning.recipe import Recipe, load_recipe, save_recipe

RECIPES = CONFIG / "training"
VERSION = "0.0.1"
TRIALS = 2
IMAGES_OF_BASELINES = 300
# The first line of a recipe is its command.
START = re.compile(r"^#.* --start-from training/runs/(\S+)")
# Whose hand-made outlines the lungs are fitted by.
OUTLINED = "kermany224"


@dataclass(frozen=True)
class Stage:
    """Recipe `name` for `steps` steps below the folder `out`, which it shares with those it starts from."""

    name: str
    out: Path
    steps: int

    @property
    def folder(self) -> Path:
        return self.out / self.name

    @property
    def runs(self) -> Path:
        return self.out / "runs"

    @property
    def package(self) -> Path:
        return self.out / "models" / load_recipe(RECIPES / f"{self.name}.yaml").name / VERSION

    @property
    def begins(self) -> bool:
        """Whether it starts from nothing, and is not the next stage of another recipe."""
        return not needed(self.name)

    @property
    def lungs(self) -> Path:
        return self.runs / "lungs"

    @property
    def figures(self) -> Path:
        return self.folder / "devtest.json"

    @property
    def page(self) -> Path:
        return self.folder / "devtest.html"

    @property
    def trials(self) -> Path:
        return self.runs / f"{self.name}-tune" / "trials.csv"

    @property
    def baselines(self) -> Path:
        return self.folder / "baselines"

    def commands(self, data: list[str]) -> list[list[str]]:
        """Modules with their arguments, to be run one after the other in the checkout."""
        recipe = self.here()
        run, before = self.runs / self.name, starts_from(self.name)
        judged = ["--cohorts", *load_recipe(recipe).cohorts, "--json", str(self.figures), "--html", str(self.page)]
        where = [f"--runs={self.runs}"]
        start = [f"--start-from={self.runs / before}"] if before else []
        found = [
            ["training", "train", said(recipe), f"--name={self.name}", *where, f"--steps={self.steps}", *start],
            ["training", "package", str(run), str(self.package)],
            ["training", "evaluate", str(self.package), f"--run={run}", *judged, "--no-pictures"],
        ]
        if load_recipe(RECIPES / f"{self.name}.yaml").frame and not self.lungs.exists():
            found.insert(
                0, ["training", "lungs", f"--cohorts={OUTLINED}", "fit", str(self.lungs), f"--steps={self.steps}"]
            )
        if self.begins:
            trial = ["--method=random", f"--trials={TRIALS}", f"--steps={max(1, self.steps // 2)}"]
            found += [
                ["training", "tune", said(recipe), *trial, f"--name={self.name}-tune", *where],
                [
                    "training",
                    "baselines",
                    said(recipe),
                    str(self.baselines),
                    f"--images-max={IMAGES_OF_BASELINES}",
                ],
            ]
        models = str(self.out / "models")
        return [
            *([*command, *data] for command in found),
            ["training", "card", str(self.package), str(self.figures)],
            ["scp_node.cli", "models", "verify", f"--models-dir={models}"],
        ]

    def here(self) -> Path:
        """The recipe's file; one that has a frame is written anew, with the lungs below `out`."""
        file = RECIPES / f"{self.name}.yaml"
        recipe = load_recipe(file)
        if recipe.frame is None:
            return file
        changed: Recipe = recipe.model_copy(update={"frame": recipe.frame.model_copy(update={"lungs": self.lungs})})
        self.folder.mkdir(parents=True, exist_ok=True)
        save_recipe(self.folder / "recipe.yaml", changed)
        return self.folder / "recipe.yaml"


def said(file: Path) -> str:
    """The path as it may stand in a card: from the checkout on, where commands are run."""
    return str(file.relative_to(CHECKOUT) if file.is_relative_to(CHECKOUT) else file)


def text(name: str) -> str:
    return (RECIPES / f"{name}.yaml").read_text(encoding="utf-8")


def starts_from(name: str) -> str | None:
    """The run that the first line of a recipe names."""
    found = START.match(text(name))
    return found[1] if found else None


def needed(name: str) -> list[str]:
    """The recipe whose run `name` starts from, where there is one."""
    before = starts_from(name)
    return [before] if before else []


def in_order(names: Iterable[str]) -> list[str]:
    """`names` and every recipe whose run they start from, each after those it starts from."""
    found: list[str] = []
    for name in names:
        found += [one for one in [*in_order(needed(name)), name] if one not in found]
    return found
