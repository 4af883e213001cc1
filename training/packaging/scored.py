"""Labels and scores of one finding on the validation split, by cohort: what calibration and threshold are chosen by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.evaluation.weighted import Bools, Floats
from training.data.cohorts import COHORTS, Example


@dataclass(frozen=True)
class Scored:
    """The labels of some images, what the network says of them (logits or probabilities), and whose they are."""

    positive: Bools
    score: Floats
    patients: NDArray[np.str_]

    def part(self, members: Bools) -> Scored:
        return Scored(self.positive[members], self.score[members], self.patients[members])


Cohorts = Mapping[str, Scored]


def of_finding(name: str, examples: Sequence[Example], scores: NDArray[np.floating]) -> dict[str, Scored]:
    """`scores` [images] of the finding `name` by cohort, without the cohorts that are not labelled for it."""
    positive = np.array([name in example.findings for example in examples])
    patients = np.array([example.patient_id for example in examples])
    cohorts = np.array([example.cohort for example in examples])
    everything = Scored(positive, scores.astype(np.float64), patients)
    labelled = [cohort for cohort in np.unique(cohorts).tolist() if name in COHORTS[cohort].findings]
    return {cohort: everything.part(cohorts == cohort) for cohort in labelled}
