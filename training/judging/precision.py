"""A package and its variant of fewer bits on the same unseen films: what separation and calibration lose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from converter.evaluation.metrics import auc, calibration_error
from converter.package.manifest import Manifest
from converter.package.precision import PrecisionCohort
from training.data.cohorts import COHORTS, Example
from training.data.images import load_targets
from training.packaging.scores import Array


def compared(manifest: Manifest, examples: Sequence[Example], full: Array, fewer: Array) -> Iterator[PrecisionCohort]:
    """Both networks on each finding and each cohort that is labelled for it and has both answers."""
    labels = load_targets(examples, [finding.name for finding in manifest.findings]).astype(bool)
    for cohort in manifest.cohorts:
        members = np.array([example.cohort == cohort.name for example in examples])
        for number, finding in enumerate(manifest.findings):
            positive = labels[members, number]
            if finding.name not in COHORTS[cohort.name].findings or len(set(positive.tolist())) < 2:
                continue
            one, other = (scores[members, number].astype(np.float64) for scores in (full, fewer))
            yield PrecisionCohort(
                cohort=cohort.name,
                finding=finding.name,
                split="devtest",
                images=int(members.sum()),
                auc_full=round(auc(positive, one), 6),
                auc=round(auc(positive, other), 6),
                ece_full=round(calibration_error(positive, one), 6),
                ece=round(calibration_error(positive, other), 6),
                largest_change=round(float(np.abs(other - one).max()), 6),
            )
