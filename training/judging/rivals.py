"""What a package is compared with on the same images: a model without any idea of anatomy, and other packages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from converter.evaluation.cases import Rival
from converter.package.baseline import BASELINE
from converter.package.manifest import Manifest
from training.data.cohorts import COHORTS, Example
from training.data.images import load_model_inputs
from training.judging.baseline_models import logistic_regression
from training.judging.judge_package import judge_examples
from training.judging.judged_images import JudgedImages
from training.packaging.graph_model import Package


def rivals_of(package: Package, others: Iterable[Package], judged: JudgedImages) -> Iterator[Rival]:
    """The baseline, taught on the images that `package` learned from; then each of `others`."""
    yield Rival(BASELINE, baseline(judged.learned, judged.examples, package.manifest), baseline=True)
    for other in others:
        cases = judge_examples(other, judged.examples, judged.sources)
        thresholds = {finding.name: finding.operating_threshold for finding in other.manifest.findings}
        yield Rival(other.label, [case.probability for case in cases], thresholds)


def baseline(learning: Sequence[Example], examples: Sequence[Example], manifest: Manifest) -> list[dict[str, float]]:
    """Probabilities of a model without any idea of anatomy, by finding; none where training has only one class."""
    found: list[dict[str, float]] = [{} for _ in examples]
    unseen_inputs = load_model_inputs(examples, manifest.input)
    for finding in manifest.findings:
        labelled = [example for example in learning if finding.name in COHORTS[example.cohort].findings]
        positive = np.array([finding.name in example.findings for example in labelled])
        if len(set(positive.tolist())) < 2:
            continue
        scores = logistic_regression(load_model_inputs(labelled, manifest.input), positive, unseen_inputs)
        for one, probability in zip(found, scores.tolist(), strict=True):
            one[finding.name] = probability
    return found
