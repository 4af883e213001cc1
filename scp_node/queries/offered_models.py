"""Which models somebody who uploads a picture may choose, and how those that are not here could be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from converter.package.finding import FindingSpec
from scp_node.errors import ModelUnusable
from scp_node.inference.packages import ModelPackage, open_package, package_folders, state_of
from scp_node.settings import Settings
from scp_node.settings.places import model_folders, shipped_recipes_dir

# Recipes of the networks that this project began with. None of their weights is shipped.
RECIPES = "seed-*.yaml"
EXTENDS_MAX = 5


@dataclass(frozen=True)
class OfferedFinding:
    """What a model looks for; positive from `threshold` on."""

    name: str
    meaning: str
    code: str
    scheme: str
    threshold: float


@dataclass(frozen=True)
class OfferedModel:
    """A package that is here, or a model that could be. `label` is what a request calls it, empty for one that could
    be. `missing` says why it cannot be chosen, `command` what trains and installs it."""

    name: str
    title: str
    version: str = ""
    label: str = ""
    pin: str = ""
    statement: str = ""
    ages: str = ""
    findings: tuple[OfferedFinding, ...] = ()
    is_default: bool = False
    missing: str = ""
    command: str = ""


def default_model(settings: Settings) -> str:
    """The model of the first route: what the node itself takes."""
    return settings.routes[0].model


def offered_models(settings: Settings) -> tuple[OfferedModel, ...]:
    """The packages of this node, the default and the highest versions first; then those that only a recipe is here
    of."""
    folders = model_folders(settings)
    return _offered(folders, state_of(folders), default_model(settings), shipped_recipes_dir())


@lru_cache(maxsize=4)
def _offered(
    folders: tuple[Path, ...], state: tuple[tuple[str, int], ...], default: str, recipes: Path
) -> tuple[OfferedModel, ...]:
    """`state` is that of the packages, which are read again when it has changed."""
    packages = [_package(folder) for folder in reversed(package_folders(folders))]
    wanted = default.partition("#")[0]
    chosen = next((one.label for one in packages if not one.missing and wanted in (one.name, one.label)), None)
    here = [replace(one, is_default=one.label == chosen and not one.missing) for one in packages]
    names = {one.name for one in packages}
    could_be = [one for one in map(_of_recipe, sorted(recipes.glob(RECIPES))) if one.name not in names]
    return (*sorted(here, key=lambda one: (not one.is_default, bool(one.missing))), *could_be)


def _package(folder: Path) -> OfferedModel:
    try:
        package = open_package(folder)
    except ModelUnusable as error:
        return OfferedModel(folder.parent.name, folder.parent.name, folder.name, missing=f"unusable: {error}")
    manifest = package.manifest
    return OfferedModel(
        name=manifest.name,
        title=manifest.title,
        version=manifest.version,
        label=package.label,
        pin=package.pin,
        statement=manifest.intended_use.statement,
        ages=str(manifest.intended_use.ages),
        findings=tuple(_finding(one) for one in manifest.findings),
        missing=_missing(package),
    )


def _finding(one: FindingSpec) -> OfferedFinding:
    return OfferedFinding(one.name, one.concept.meaning, one.concept.value, one.concept.scheme, one.operating_threshold)


def _missing(package: ModelPackage) -> str:
    gone = [name for name in ("model.onnx", "reference.npz") if not (package.folder / name).is_file()]
    return f"{' and '.join(gone)} of the package" if gone else ""


def _of_recipe(path: Path) -> OfferedModel:
    recipe = _recipe(path)
    name, cohorts = str(recipe["name"]), list(recipe["cohorts"])
    return OfferedModel(
        name=name,
        title=str(recipe["title"]),
        missing=f"its weights are not shipped; it learns from the data of {', '.join(cohorts)}",
        command=training_command(path, name, cohorts),
    )


def training_command(recipe: Path, name: str, cohorts: Sequence[str]) -> str:
    """One line for a shell in a checkout with [training]: trains by `recipe`, packages, installs."""
    data = "".join(f" --data {cohort}=FOLDER" for cohort in cohorts)
    package = f"training/runs/packages/{name}/1.0.0"
    return (
        f"python -m training train config/training/{recipe.name} --name {name}{data}"
        f" && python -m training package training/runs/{name} {package}"
        f" && hilum models add {package} --config node.yaml"
    )


def _recipe(path: Path) -> dict[str, Any]:
    """The settings of a recipe over those of the file that it extends, section by section."""
    whole: dict[str, Any] = {}
    for _ in range(EXTENDS_MAX):
        settings = yaml.safe_load(path.read_text("utf-8"))
        whole = settings | whole
        if "extends" not in settings:
            break
        path = path.parent / settings["extends"]
    return whole
