"""A training recipe (config/training/*.yaml), checked field by field.

A recipe says everything that makes a run: data, findings, input, network, schedule, augmentation, search space. A file
may extend another one and repeat only what differs; the run keeps the whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, PositiveInt, ValidationError, field_validator, model_validator

from converter.package.concept import Concept
from converter.package.intended_use import IntendedUse
from converter.package.network import InputSpec
from converter.package.section import Name, PackageSection
from training.learning.search_space import Choices, Range

# A chain of files that extend each other; a longer one is a circle or nobody can follow it.
EXTENDS_MAX = 5
# The map of a smaller network says nothing about where.
MAP_SIDE_MIN = 2
Share = Annotated[float, Field(ge=0, le=1)]


class Residual(PackageSection):
    """training/learning/zoo/residual.py: halved by the stem and at each stride of 2."""

    family: Literal["residual"] = "residual"
    stem: PositiveInt
    stages: tuple[PositiveInt, ...] = Field(min_length=1)
    strides: tuple[Literal[1, 2], ...] = Field(min_length=1)
    dropout: float = Field(ge=0, lt=1)

    @model_validator(mode="after")
    def _one_stride_a_stage(self) -> Residual:
        if len(self.strides) != len(self.stages):
            raise ValueError(f"{len(self.stages)} stages need as many strides, not {len(self.strides)}")
        return self

    @property
    def halvings(self) -> int:
        return 1 + self.strides.count(2)


class Plain(PackageSection):
    """zoo/plain.py: convolutions, each followed by pooling, then dense layers at every place of the map."""

    family: Literal["plain"]
    filters: tuple[PositiveInt, ...] = Field(min_length=1)
    kernel: Literal[3, 5, 7] = 3
    pooling: Literal["max", "average"] = "max"
    batch_normalisation: bool = False
    dense: tuple[PositiveInt, ...] = ()
    dropout: float = Field(ge=0, lt=1)

    @property
    def halvings(self) -> int:
        return len(self.filters)


Network = Annotated[Residual | Plain, Field(discriminator="family")]


class FindingRecipe(PackageSection):
    """One sigmoid of the network. `name` is what the cohorts call it; "normal" is the absence of all findings."""

    name: Name
    concept: Concept


class OperatingPointRecipe(PackageSection):
    """How temperature and threshold are chosen: on the val split of `decided_on`, each of `guarded` kept sensitive."""

    decided_on: tuple[str, ...] = Field(min_length=1)
    guarded: tuple[str, ...] = Field(min_length=1)
    sensitivity_min: float = Field(gt=0, lt=1)

    @model_validator(mode="after")
    def _guarded_decides(self) -> OperatingPointRecipe:
        strangers = set(self.guarded) - set(self.decided_on)
        if strangers:
            raise ValueError(f"{', '.join(sorted(strangers))} is guarded but not among those that decide")
        return self


class CohortShare(PackageSection):
    """per_class: images of each class in every batch; how soft its labels are made (0.1: 0.05 and 0.95)."""

    per_class: PositiveInt
    label_smoothing: float = Field(ge=0, lt=1)


class Augmentation(PackageSection):
    """Ranges and shares of what happens to a training image; training/learning/augment.py and artefacts.py say how.

    `flip` is left to right: it also shows the network every heart on the other side. Set it to 0 where a side matters
    (situs, a device, a marker); turning a film upside down is not offered.
    """

    gamma: float = Field(ge=0)
    contrast: Share
    rotation_degrees: float = Field(ge=0, le=15)
    zoom: tuple[float, float]
    aspect: float = Field(ge=1)
    shift: float = Field(ge=0, lt=0.5)
    flip: Share
    blur: Share
    noise: float = Field(ge=0)
    cutout: Share
    quantum_noise: Share = 0.0
    scatter: Share = 0.0
    collimation: Share = 0.0
    device: Share = 0.0
    marker: Share = 0.0

    @field_validator("zoom")
    @classmethod
    def _zoom_is_a_range(cls, zoom: tuple[float, float]) -> tuple[float, float]:
        if not 0 < zoom[0] <= zoom[1]:
            raise ValueError("expected [least, most], both above 0")
        return zoom


class EarlyStopping(PackageSection):
    """Stop when the mean AUC over the cohorts of val has not risen for `patience` reports, and keep the best weights.

    A cohort with fewer than `images_min` val images of a class has no say; if none has one, the run does not start.
    """

    patience: PositiveInt
    images_min: int = Field(30, ge=10)


class Teachers(PackageSection):
    """Earlier runs whose mean answer (mirror image included) makes up `weight` of each target."""

    runs: tuple[str, ...] = Field(min_length=1)
    weight: float = Field(gt=0, le=1)


class Recipe(PackageSection):
    name: Name
    title: str
    seed: int
    findings: tuple[FindingRecipe, ...] = Field(min_length=1, max_length=32)
    intended_use: IntendedUse
    operating_point: OperatingPointRecipe
    input: InputSpec
    network: Network
    cohorts: dict[str, CohortShare] = Field(min_length=1)
    imbalance: Literal["balanced-batches", "class-weights"] = Field(
        "balanced-batches",
        description="balanced-batches: as many images of each class; class-weights: images as they come, the rarer "
        "class weighing more in the loss",
    )
    steps: PositiveInt
    report_steps: PositiveInt = 200
    learning_rate: float = Field(gt=0)
    warmup_steps: PositiveInt
    weight_decay: float = Field(ge=0)
    averaging: float = Field(gt=0, lt=1)
    precision: Literal["float32", "mixed"] = Field(
        "float32", description="mixed: bfloat16 where the machine computes in it"
    )
    early_stopping: EarlyStopping | None = None
    teachers: Teachers | None = None
    augmentation: Augmentation
    search: dict[str, Range | Choices] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_fit(self) -> Recipe:
        names = [finding.name for finding in self.findings]
        if len(set(names)) != len(names):
            raise ValueError("two findings have the same name")
        missing = set(self.operating_point.decided_on) - set(self.cohorts)
        if missing:
            raise ValueError(f"operating_point.decided_on: {', '.join(sorted(missing))} is not among the cohorts")
        return self

    @model_validator(mode="after")
    def _a_map_is_left(self) -> Recipe:
        if min(self.input.height, self.input.width) >> self.network.halvings < MAP_SIDE_MIN:
            size = f"{self.input.height} x {self.input.width}"
            raise ValueError(f"network: {self.network.halvings} halvings leave no map of {size} pixels")
        return self

    @model_validator(mode="after")
    def _search_tries_what_is_possible(self) -> Recipe:
        settings = self.model_dump(exclude={"search"})
        for path, space in self.search.items():
            for value in space.values:
                try:
                    Recipe.model_validate(with_value(settings, path, value))
                except ValidationError as error:
                    raise ValueError(f"search: {path} cannot be {value}: {error.errors()[0]['msg']}") from error
        return self

    @property
    def finding_names(self) -> tuple[str, ...]:
        return tuple(finding.name for finding in self.findings)


def load_recipe(path: Path) -> Recipe:
    """Read `path`; ends the program with every field that is wrong."""
    try:
        return Recipe.model_validate(_whole(path))
    except ValidationError as error:
        problems = "\n".join(
            f"{path}: {'.'.join(map(str, problem['loc'])) or 'recipe'}: {problem['msg']}" for problem in error.errors()
        )
        raise SystemExit(problems) from error


def save_recipe(path: Path, recipe: Recipe) -> None:
    """The whole recipe, whatever it extended."""
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)
    path.write_text(text, encoding="utf-8")


def with_values(recipe: Recipe, values: dict[str, Any]) -> Recipe:
    """`recipe` with the settings that `values` names by dotted paths; raises ValidationError on an impossible one."""
    changed = recipe.model_dump()
    for path, value in values.items():
        changed = with_value(changed, path, value)
    return Recipe.model_validate(changed)


def with_value(settings: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of nested `settings` with one of them replaced; raises ValueError where there is no such setting."""
    name, _, rest = path.partition(".")
    if name not in settings or (rest and not isinstance(settings[name], dict)):
        raise ValueError(f"there is no setting {path}")
    if not rest:
        return settings | {name: value}
    try:
        return settings | {name: with_value(settings[name], rest, value)}
    except ValueError:
        raise ValueError(f"there is no setting {path}") from None


def _whole(path: Path) -> dict[str, Any]:
    """The settings of `path` over those of the file that it extends, section by section."""
    chain: list[dict[str, Any]] = []
    file: Path | None = path
    while file:
        if len(chain) == EXTENDS_MAX:
            raise SystemExit(f"{path}: more than {EXTENDS_MAX} recipes extend each other")
        try:
            settings = yaml.safe_load(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise SystemExit(f"{file}: {error.strerror}: no recipe can be read there") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise SystemExit(f"{file}: no YAML: {error}") from error
        if not isinstance(settings, dict):
            raise SystemExit(f"{file}: no recipe")
        parent = settings.pop("extends", None)
        chain.append(settings)
        file = file.parent / parent if parent else None
    whole: dict[str, Any] = {}
    for settings in reversed(chain):
        whole = _over(whole, settings)
    return whole


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` wins; sections of both are merged, but a network of another family or other cohorts replace the whole."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = value
        if isinstance(old, dict) and isinstance(value, dict) and name not in ("cohorts", "search"):
            family = old.get("family")
            if name != "network" or value.get("family", family) == family:
                merged[name] = _over(old, value)
    return merged
