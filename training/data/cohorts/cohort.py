"""What every cohort is: images of one source, each an Example, and what is known about where they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Box = tuple[float, float, float, float]
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Example:
    """One image with its label.

    path:       absolute.
    label:      the word of the publication; `findings` are our names of what is present (empty: none of them).
    split:      train, val, devtest or test; "" where `training.data.splits` still has to decide.
    patient_id: begins with the source ("nih:13"), so that it is the same patient in every cohort of this source.
    view:       PA, AP, LL, ...; "" where nobody says it. Likewise `sex` (M, F, O) and `age_years` (None).
    boxes:      (x, y, width, height) of what was found, in pixels of the stored image; `box_findings` names it.
    sublabel:   what the publication says beyond the label.
    part:       the published part ("train", "val", "test", ...) in which the image lies; "" where there is none.
    masks:      pictures of the image's lungs, drawn by people: white where there is lung, one or more that add up.
    """

    path: Path
    cohort: str
    label: str
    findings: frozenset[str]
    split: str
    patient_id: str
    view: str = ""
    age_years: float | None = None
    sex: str = ""
    boxes: tuple[Box, ...] = ()
    box_findings: tuple[str, ...] = ()
    sublabel: str = ""
    part: str = ""
    masks: tuple[Path, ...] = ()

    @property
    def positive(self) -> bool:
        """Whether anything that the cohort is labelled for is there."""
        return bool(self.findings)


@dataclass(frozen=True)
class About:
    """Where the images come from. `findings`: every name that `load` may find, in the order of reports."""

    licence: str
    citation: str
    population: str
    findings: tuple[str, ...]


Load = Callable[[Path], list[Example]]


class CohortModule(Protocol):
    """What every module of a cohort has: these three names. `load` raises WrongLayout for any layout but LAYOUT."""

    @property
    def ABOUT(self) -> About: ...  # noqa: N802
    @property
    def LAYOUT(self) -> str: ...  # noqa: N802

    def load(self, folder: Path) -> list[Example]: ...


@dataclass(frozen=True)
class Cohort:
    """One source of images, as a recipe or a person names it."""

    name: str
    about: About = field(repr=False)
    layout: str = field(repr=False)
    load: Load = field(repr=False)

    @property
    def licence(self) -> str:
        return self.about.licence

    @property
    def citation(self) -> str:
        return self.about.citation

    @property
    def population(self) -> str:
        return self.about.population

    @property
    def findings(self) -> tuple[str, ...]:
        return self.about.findings


class WrongLayout(SystemExit):
    """The folder is not laid out as published; the message says what was expected and what was there."""
