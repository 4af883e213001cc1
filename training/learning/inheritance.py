"""A recipe that extends another one: what it takes over, and which statements it has to make itself.

What is said of a model (for whom, by whose films, with which limits) goes into every report and onto the card. It is
never taken over by silence: a recipe that extends another one says it again, or says `same_use: true`, which holds
where both learn the same findings from the same cohorts. Otherwise `inherited` names what is missing, and `package`
refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

# A chain of files that extend each other; a longer one is a circle or nobody can follow it.
EXTENDS_MAX = 5
# What has to be said anew. intended_use is replaced as a whole, so that no age or view of another model stays in it.
STATEMENTS = ("title", "cohorts", "intended_use", "intended_use.limits")
REPLACED = ("cohorts", "search", "intended_use")
ADVICE = (
    "What a model is for, whose films it learned from and what they cannot carry is said by its own recipe: write "
    "these keys there (config/training/own-data.yaml shows them), then train again, or correct recipe.yaml of the run "
    "and strike its key `inherited`. A stage that learns the same findings from the same cohorts writes "
    "`same_use: true` instead"
)

Settings = dict[str, Any]


def whole_recipe(path: Path) -> Settings:
    """The settings of `path` over those of the file that it extends, section by section."""
    chain = list(_chain(path))
    _, whole = chain.pop()
    for file, settings in reversed(chain):
        whole = _over(whole, settings) | {"inherited": _inherited(file, whole, settings)}
        whole.pop("same_use", None)
    return whole


def refuse_inherited(run: Path, inherited: Iterable[str]) -> None:
    """End the program where the recipe of `run` says of its model what another recipe says of another one."""
    missing = list(inherited)
    if missing:
        raise SystemExit(
            f"{run}: no package is made with the statements of another model: its recipe extends another one and lacks "
            f"{', '.join(missing)}. {ADVICE}"
        )


def _chain(path: Path) -> Iterator[tuple[Path, Settings]]:
    """Every file with its settings, `path` first."""
    file, number = path, 0
    while True:
        number += 1
        if number > EXTENDS_MAX:
            raise SystemExit(f"{path}: more than {EXTENDS_MAX} recipes extend each other")
        settings = _read(file)
        parent = settings.pop("extends", None)
        yield file, settings
        if not parent:
            return
        file = file.parent / parent


def _read(file: Path) -> Settings:
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SystemExit(f"{file}: {error.strerror}: no recipe can be read there") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SystemExit(f"{file}: no YAML: {error}") from error
    if not isinstance(settings, dict):
        raise SystemExit(f"{file}: no recipe")
    return settings


def _inherited(file: Path, below: Settings, own: Settings) -> list[str]:
    """The statements that `own`, which extends `below`, leaves to it."""
    before = [key for key in below.get("inherited", ()) if not _states(own, key)]
    if not own.get("same_use", False):
        return list(dict.fromkeys([*before, *(key for key in STATEMENTS if not _states(own, key))]))
    whole = _over(below, own)
    others = [name for name, of in (("findings", _findings), ("cohorts", _cohorts)) if of(whole) != of(below)]
    if others:
        raise SystemExit(
            f"{file}: same_use: its {' and '.join(others)} are not those of the recipe that it extends; strike "
            f"same_use, and state {', '.join(STATEMENTS)}"
        )
    return before


def _states(settings: Settings, key: str) -> bool:
    name, _, rest = key.partition(".")
    section = settings.get(name)
    return bool(section) and (not rest or (isinstance(section, dict) and bool(section.get(rest))))


def _findings(settings: Settings) -> Any:
    return settings.get("findings")


def _cohorts(settings: Settings) -> Any:
    cohorts = settings.get("cohorts")
    return sorted(cohorts) if isinstance(cohorts, dict) else cohorts


def _over(below: Settings, above: Settings) -> Settings:
    """`above` wins; sections of both are merged, but a network of another family, other cohorts and another intended
    use replace the whole."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = value
        if isinstance(old, dict) and isinstance(value, dict) and name not in REPLACED:
            family = old.get("family")
            if name != "network" or value.get("family", family) == family:
                merged[name] = _over(old, value)
    return merged
