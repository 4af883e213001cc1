"""A training recipe (config/training/*.yaml), checked field by field.

A recipe says everything that makes a run: data, findings, input, network, schedule, augmentation, search space. A file
may extend another one and repeat only what differs (inheritance.py); the run keeps the whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, PositiveInt, ValidationError, field_validator, model_validator

from converter.package.concept import Concept
from converter.package.intended_use import IntendedUse
from converter.package.network import InputSpec, Normalisation
from converter.package.section import Name, PackageSection
from training.learning.inheritance import whole_recipe
from training.learning.network_shapes import Network
from training.learning.search_space import Choices, Range

# The map of a smaller network says nothing about where.
MAP_SIDE_MIN = 2
Share = Annotated[float, Field(ge=0, le=1)]


class FindingRecipe(PackageSection):
    """One sigmoid of the network. `name` is what the cohorts call it; "normal" is the absence of all findings.

    positive_means: what was seen on the images that are labelled with it, and by whom, in a sentence for the card.
    """

    name: Name
    concept: Concept
    positive_means: str = ""


class OperatingPointRecipe(PackageSection):
    """How temperature and threshold are chosen: on the val split of `decided_on`, each of `guarded` kept sensitive."""

    decided_on: tuple[str, ...] = Field(min_length=1)
    guarded: tuple[str, ...] = Field(min_length=1)
    sensitivity_min: float = Field(gt=0, lt=1)
    changed: int = Field(
        0, ge=0, le=20, description="copies of each film, changed as films of training are, that decide beside it"
    )

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
    consoles: Share = Field(0.0, description="of films shown as another console would (tones.py)")

    @field_validator("zoom")
    @classmethod
    def _zoom_is_a_range(cls, zoom: tuple[float, float]) -> tuple[float, float]:
        if not 0 < zoom[0] <= zoom[1]:
            raise ValueError("expected [least, most], both above 0")
        return zoom


class FrameRecipe(PackageSection):
    """What the network looks at instead of the whole film: height x width pixels round the lungs, standardised anew.

    `lungs` is a run of `python -m training lungs fit`; with `masks`, training films that have an outline drawn by
    people are framed by that. The shares say how many training films are changed so that
    nothing but the lungs can be evidence (training/learning/lung_changes.py); `places` weighs what is known of places
    against the answer for the whole film.
    """

    lungs: Path
    masks: bool = False
    height: int = Field(ge=64, le=1024)
    width: int = Field(ge=64, le=1024)
    clip: float = Field(3.0, gt=0)
    other_background: Share = 0.0
    lungs_removed: Share = 0.0
    opacity: Share = 0.0
    places: float = Field(0.0, ge=0)

    @property
    def spec(self) -> InputSpec:
        rule = Normalisation(name="centre-standardise", margin=0, clip=self.clip)
        return InputSpec(name="framed", height=self.height, width=self.width, layout="NCHW", normalisation=rule)


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
    manufacturer: str = Field("Hilum", min_length=1, description="who made the model; every report names it")
    inherited: tuple[str, ...] = Field(
        (), description="statements taken from the extended recipe, as `load_recipe` finds them; see inheritance.py"
    )
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
    batch_statistics: Literal["films", "kept"] = Field(
        "films",
        description="of the averaged weights: taken again from films as the node sees them, or kept as they were "
        "learned with, which is better where nearly every training film is changed (LOG.md)",
    )
    early_stopping: EarlyStopping | None = None
    teachers: Teachers | None = None
    frame: FrameRecipe | None = None
    mirrored: bool = Field(
        False,
        description="in service the answer is the mean of what the network says of a picture and of its mirror image, "
        "so that its map is shifted to neither side, and the picture is raised by what the map lies too low; twice the "
        "time",
    )
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
        if min(self.looked_at.height, self.looked_at.width) >> self.network.halvings < MAP_SIDE_MIN:
            size = f"{self.looked_at.height} x {self.looked_at.width}"
            raise ValueError(f"network: {self.network.halvings} halvings leave no map of {size} pixels")
        return self

    @model_validator(mode="after")
    def _mirrored_without_a_frame(self) -> Recipe:
        if self.mirrored and self.frame is not None:
            raise ValueError("mirrored: a network that looks at a frame has no mirror image of it")
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
    def looked_at(self) -> InputSpec:
        """What the network that learns takes; in service a frame is cut out of `input` by the graph."""
        return self.input if self.frame is None else self.frame.spec

    @property
    def map_shape(self) -> tuple[int, int]:
        """Rows and columns of the network's map."""
        return self.looked_at.height >> self.network.halvings, self.looked_at.width >> self.network.halvings

    @property
    def finding_names(self) -> tuple[str, ...]:
        return tuple(finding.name for finding in self.findings)


def load_recipe(path: Path) -> Recipe:
    """Read `path`; ends the program with every field that is wrong."""
    try:
        return Recipe.model_validate(whole_recipe(path))
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
