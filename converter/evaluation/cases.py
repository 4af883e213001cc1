"""What is judged: labelled images with what a model said of them, and the groups they are judged in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.evaluation.localisation import Localised
from converter.evaluation.weighted import Bools, Floats

# Ages in years, from .. to below.
AGE_BANDS = ((0, 18), (18, 65), (65, 121))
ALL_IMAGES = "all images"


@dataclass(frozen=True)
class Case:
    """One labelled image.

    name: its file, which the JSON has and the page has not; patient: whose images are resampled together, in neither.
    truth: for each finding that somebody judged, whether it is there. probability: by finding; empty when `declined`.
    localised: for findings that readers drew boxes for. origin: what is known of where the image was made when nobody
    states a source (device and institution, or its folder); "" where nothing is.
    """

    name: str
    patient: str
    source: str
    truth: Mapping[str, bool]
    probability: Mapping[str, float] = field(default_factory=dict)
    declined: Declined | None = None
    view: str = ""
    sex: str = ""
    age_years: float | None = None
    localised: Mapping[str, Localised] = field(default_factory=dict)
    origin: str = ""


@dataclass(frozen=True)
class Rival:
    """Another scorer of the same images: its probabilities by finding, one mapping a case, empty where it has none.

    thresholds: its operating points by finding; without them only the ranking is compared. baseline: it has no idea of
    anatomy, so that a network has to be better.
    """

    name: str
    probability: Sequence[Mapping[str, float]]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    baseline: bool = False


@dataclass(frozen=True)
class CaseGroup:
    """Some of the judged cases. kind: all, source, view, sex or age; source: the one they are of, or "all images"."""

    name: str
    kind: str
    source: str
    members: Bools


@dataclass(frozen=True)
class Judged:
    """The cases that have an answer to one finding, as arrays; `score` is 0 where the image was declined."""

    cases: Sequence[Case]
    positive: Bools
    score: Floats
    declined: Bools
    patients: NDArray[np.str_]
    localised: Sequence[Localised | None]

    @classmethod
    def of(cls, cases: Sequence[Case], finding: str) -> Judged:
        """`cases` that say nothing of `finding` must have been left out."""
        return cls(
            cases,
            np.array([case.truth[finding] for case in cases], dtype=bool),
            np.array([case.probability.get(finding, 0.0) for case in cases], dtype=np.float64),
            np.array([case.declined is not None for case in cases], dtype=bool),
            np.array([case.patient for case in cases], dtype=np.str_),
            [case.localised.get(finding) for case in cases],
        )


def groups_of(cases: Sequence[Case], pooled: bool) -> Iterator[CaseGroup]:
    """All (if `pooled` and there are several sources), each source, and its parts by view, sex and age band.

    A source is divided by an attribute only if its images differ in it; images without the attribute are a part too.
    """
    sources = list(dict.fromkeys(case.source for case in cases))
    if pooled and len(sources) > 1:
        yield CaseGroup(ALL_IMAGES, "all", ALL_IMAGES, np.ones(len(cases), dtype=bool))
    for source in sources:
        inside = np.array([case.source == source for case in cases])
        yield CaseGroup(source, "source", source, inside)
        for kind, labels in parts_of(cases).items():
            present = sorted({label for label, member in zip(labels, inside, strict=True) if member})
            if len(present) < 2:
                continue
            for label in sorted(present, key=lambda text: (text.endswith("unknown"), _age_order(text), text)):
                yield CaseGroup(f"{source} {label}", kind, source, inside & (np.array(labels) == label))


def parts_of(cases: Sequence[Case]) -> dict[str, list[str]]:
    """The part of its source in which each case is, by view, sex and age."""
    return {
        "view": [case.view or "view unknown" for case in cases],
        "sex": [f"sex {case.sex or 'unknown'}" for case in cases],
        "age": [f"age {age_band(case.age_years)}" for case in cases],
    }


def age_band(years: float | None) -> str:
    for low, high in AGE_BANDS:
        if years is not None and low <= years < high:
            return f"{low}-{high - 1}"
    return "unknown"


def _age_order(label: str) -> int:
    bands = [f"age {low}-{high - 1}" for low, high in AGE_BANDS]
    return bands.index(label) if label in bands else 0
