"""What every cohort is: images of one source, each an Example, and what is known about where they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Example:
    """One image with its label.

    path:       absolute.
    label:      the word of the publication; `findings` are our names of what is present (empty: none of them).
    split:      train, val, devtest or test; "" where `training.splits` still has to decide.
    patient_id: begins with the source ("nih:13"), so that it is the same patient in every cohort of this source.
    view:       PA, AP, LL, ...; "" where nobody says it. Likewise `sex` (M, F, O) and `age_years` (None).
    boxes:      (x, y, width, height) of what was found, in pixels of the stored image.
    sublabel:   what the publication says beyond the label.
    part:       the published part ("train", "val", "test", ...) in which the image lies; "" where there is none.
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
    sublabel: str = ""
    part: str = ""

    @property
    def positive(self) -> bool:
        """Whether anything that the cohort is labelled for is there."""
        return bool(self.findings)


@dataclass(frozen=True)
class Cohort:
    """One source of images. `load` reads the layout described in `layout` and raises WrongLayout for any other."""

    name: str
    licence: str
    citation: str
    population: str
    layout: str
    findings: tuple[str, ...]
    load: Callable[[Path], list[Example]]


class WrongLayout(SystemExit):
    """The folder is not laid out as published; the message says what was expected and what was there."""
