"""A score becomes a finding by comparison with its operating point."""

from __future__ import annotations

import numpy as np
import pytest

from converter.package.manifest import load_manifest
from converter.result.judge import judge
from tests.support.models.tiny_model import TINY

MANIFEST = load_manifest(TINY / "manifest.yaml")


def test_a_score_at_the_threshold_is_positive() -> None:
    bright, dark = judge(MANIFEST, np.array([0.5, 0.49999], np.float32))
    assert (bright.name, bright.positive, bright.threshold) == ("bright", True, 0.5)
    assert (dark.name, dark.positive, dark.concept.value) == ("dark", False, "T002")
    assert isinstance(dark.probability, float)


def test_a_batch_of_one_is_one_image() -> None:
    scores = np.array([[0.9, 0.1]], np.float32)
    assert judge(MANIFEST, scores) == judge(MANIFEST, scores[0])


def test_more_or_fewer_scores_than_findings_are_no_findings() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        judge(MANIFEST, np.array([0.9], np.float32))
