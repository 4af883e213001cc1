"""What every part of a judgement is given: the package, the finding that is asked about, and the films."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.evaluation.changes import SIDE_MAX
from converter.evaluation.shown import FilmAnswer, Gray, answer, enlarged, gray_values
from converter.image.plausibility import SIDE_MIN
from training.data.cohorts import COHORTS, Example
from training.data.images import open_gray
from training.packaging.graph_model import Package

# What the weights never came from. Thresholds may have come from val.
UNSEEN = ("val", "devtest")
CHILDREN = ("kermany512", "kermany224")
# Adults with the finding come from one collection, healthy ones from all of these.
DISEASED, HEALTHY = "nih512", ("nih512", "nih64", "rsna256")
# Films that the node would refuse as tiny (64 pixels) are made as large as those of the next larger collection.
ENLARGED_SIDE = 256
SEED = 0


class NotMeasured(Exception):
    """Why a part of the judgement could not be measured; a sentence for page and card."""


@dataclass(frozen=True)
class Bench:
    """finding: its place in the manifest. data: the folder of manifest.csv. films_max: the most that a part may use of
    one population. watch: is told what is measured next."""

    package: Package
    finding: int
    data: Path
    films_max: int
    watch: Callable[[str], None]

    @property
    def name(self) -> str:
        return self.package.manifest.findings[self.finding].name

    @property
    def threshold(self) -> float:
        return self.package.manifest.findings[self.finding].operating_threshold

    def examples(self, cohort: str, splits: Sequence[str] = UNSEEN) -> list[Example]:
        """The films of `cohort` in `splits`. Raises NotMeasured where it is not labelled for the finding, or not
        there."""
        if self.name not in COHORTS[cohort].findings:
            raise NotMeasured(f"no film of {cohort} is labelled for {self.name}")
        try:
            loaded = COHORTS[cohort].load(self.data)
        except SystemExit as error:  # WrongLayout: a cohort that is not at hand ends no other part
            raise NotMeasured(str(error)) from error
        found = [example for example in loaded if example.split in splits]
        if not found:
            raise NotMeasured(f"no film of {cohort} is in {' or '.join(splits)}")
        return found

    def is_positive(self, example: Example) -> bool:
        return self.name in example.findings

    def ask(self, film: Gray) -> FilmAnswer:
        return answer(film, self.package)

    def ask_all(self, examples: Iterable[Example]) -> list[FilmAnswer]:
        return [self.ask(film) for film in films_of(examples)]

    def probability(self, answers: Iterable[FilmAnswer]) -> NDArray[np.float64]:
        return np.array([one.probability[self.finding] for one in answers], dtype=np.float64)


Part = Callable[[Bench], dict[str, Any]]


def films_of(examples: Iterable[Example]) -> Iterator[Gray]:
    """Each film as gray values 0..1 [H, W], small ones enlarged as the node needs them."""
    for example in examples:
        gray = gray_values(open_gray(example.path), SIDE_MAX)
        yield enlarged(gray, ENLARGED_SIDE) if min(gray.shape) < SIDE_MIN else gray


def balanced(examples: Sequence[Example], positive: Sequence[bool], films_max: int, seed: int = SEED) -> list[Example]:
    """At most half of `films_max` of each class, drawn at random; in their own order."""
    chosen: list[int] = []
    rng = np.random.default_rng(seed)
    truth = np.asarray(positive, dtype=bool)
    for label in (True, False):
        places = np.flatnonzero(truth == label)
        chosen += rng.permutation(places)[: max(1, films_max // 2)].tolist()
    return [examples[place] for place in sorted(chosen)]


def patients_of(examples: Iterable[Example]) -> NDArray[np.str_]:
    return np.array([example.patient_id for example in examples], dtype=np.str_)
