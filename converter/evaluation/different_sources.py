"""Whether the images with a finding come from elsewhere than those without it: then a figure may measure the source.

The source alone is asked which images have the finding: each image is given the share of positives of its source. An
AUC of 1 means that no source has both, 0.5 that all have as many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from converter.evaluation.cases import Case
from converter.evaluation.figures import PATIENTS_MIN, enough
from converter.evaluation.labels import ABSENT, NOTHING_FOUND, PRESENT
from converter.evaluation.metrics import auc
from converter.package.finding import FindingSpec

# A source that would tell the classes apart so well is worth a warning.
SOURCE_AUC_MAX = 0.75
# So many sources are named.
NAMED_MAX = 3
CHARACTERS_MAX = 48
UNKNOWN, OTHERS = "unknown", "small ones"


def of_different_sources(findings: Sequence[FindingSpec], cases: Sequence[Case]) -> Iterator[str]:
    """A sentence for each finding whose images with and without it come from different sources. The stated source
    counts where images differ in it, otherwise their origin."""
    for finding in findings:
        answered = [case for case in cases if finding.name in case.truth and case.declined is None]
        positive = np.array([case.truth[finding.name] for case in answered], dtype=np.bool_)
        patients = np.array([case.patient for case in answered], dtype=np.str_)
        if not len(answered) or not enough(patients, positive, ~positive):
            continue
        stated, told = np.array([case.source for case in answered], dtype=np.str_), "source"
        if len(np.unique(stated)) < 2:
            stated, told = origins(answered, [one.name for one in findings]), "device, institution or folder"
        stated = large_enough(stated)
        figure = auc_of_the_source(stated, positive)
        if figure > SOURCE_AUC_MAX:
            names = f" ({finding.concept.meaning})" if len(findings) > 1 else ""
            yield (
                f"The images with and without the finding{names} come from different sources: the {told} alone tells "
                f"them apart with AUC {figure:.2f}. With it: {_named(stated[positive])}; without it: "
                f"{_named(stated[~positive])}. The figures may measure where a film comes from, not the disease: judge "
                "each source by itself, with images of both kinds."
            )


def large_enough(source: NDArray[np.str_]) -> NDArray[np.str_]:
    """`source` with those of fewer than PATIENTS_MIN images as one: few images tell the classes apart by chance."""
    counts = Counter(source.tolist())
    return np.array([one if counts[one] >= PATIENTS_MIN else OTHERS for one in source.tolist()], dtype=np.str_)


def auc_of_the_source(source: NDArray[np.str_], positive: NDArray[np.bool_]) -> float:
    """How well the share of positives of its source tells whether an image is one of them."""
    share = {name: float(positive[source == name].mean()) for name in np.unique(source).tolist()}
    return auc(positive, np.array([share[name] for name in source.tolist()], dtype=np.float64))


def origins(cases: Sequence[Case], findings: Sequence[str]) -> NDArray[np.str_]:
    """Where each image was made; a folder that only sorts images by their label is none."""
    words = {*PRESENT, *ABSENT, *NOTHING_FOUND, *(name.casefold() for name in findings)}
    found = [case.origin for case in cases]
    return np.array(["" if one.rsplit("/", 1)[-1].casefold() in words else one for one in found], dtype=np.str_)


def _named(source: NDArray[np.str_]) -> str:
    """The most frequent, with the share of images of each."""
    counts = Counter(source.tolist())
    most = [
        f"{(name or UNKNOWN)[:CHARACTERS_MAX]} {number / len(source):.0%}"
        for name, number in counts.most_common(NAMED_MAX)
    ]
    return ", ".join(most) + (" and others" if len(counts) > NAMED_MAX else "")
