"""A training recipe (config/training/*.yaml), checked field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, PositiveInt

from converter.manifest import InputSpec, Section


class Network(Section):
    stem: PositiveInt
    stages: tuple[PositiveInt, ...] = Field(min_length=1)
    strides: tuple[Literal[1, 2], ...] = Field(min_length=1)
    dropout: float = Field(ge=0, lt=1)


class CohortShare(Section):
    per_class: PositiveInt
    label_smoothing: float = Field(ge=0, lt=1)


class Augmentation(Section):
    """Ranges and shares of what happens to a training image; training/augment.py says how."""

    gamma: float = Field(ge=0)
    contrast: float = Field(ge=0, le=1)
    rotation_degrees: float = Field(ge=0, le=45)
    zoom: tuple[float, float]
    aspect: float = Field(ge=1)
    shift: float = Field(ge=0, lt=0.5)
    flip: float = Field(ge=0, le=1)
    blur: float = Field(ge=0, le=1)
    noise: float = Field(ge=0)
    cutout: float = Field(ge=0, le=1)


class Recipe(Section):
    name: str
    seed: int
    input: InputSpec
    network: Network
    cohorts: dict[str, CohortShare]
    steps: PositiveInt
    learning_rate: float = Field(gt=0)
    warmup_steps: PositiveInt
    weight_decay: float = Field(ge=0)
    averaging: float = Field(gt=0, lt=1)
    augmentation: Augmentation


def load_recipe(path: Path) -> Recipe:
    return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
