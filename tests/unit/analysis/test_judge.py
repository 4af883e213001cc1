"""A score becomes a finding by comparison with its operating point; a positive one has a region."""

from __future__ import annotations

import numpy as np
import pytest

from converter.analysis.judge import judged
from converter.analysis.scores import ImageScores
from converter.image.convert import Converted
from converter.package.manifest import load_manifest
from tests.support.models.tiny_model import TINY

MANIFEST = load_manifest(TINY / "manifest.yaml")
AFFINE = np.array([[2.0, 0, 0.5], [0, 2.0, 0.5]])
CONVERTED = Converted(np.zeros((1, 64, 64), np.float32), np.zeros((64, 64), np.uint8), AFFINE, (128, 128), ())


def scores(*probability: float) -> ImageScores:
    cam = np.zeros((2, 8, 8), np.float32)
    cam[0, 4:6, 4:6] = 5
    return ImageScores(np.array(probability, np.float32), cam)


def test_a_score_at_the_threshold_is_positive() -> None:
    bright, dark = judged(MANIFEST, scores(0.5, 0.49999), CONVERTED)
    assert (bright.name, bright.positive, bright.threshold) == ("bright", True, 0.5)
    assert (dark.name, dark.positive, dark.concept.value) == ("dark", False, "T002")
    assert isinstance(dark.probability, float)


def test_a_positive_finding_has_a_closed_region_in_the_source_frame() -> None:
    bright, dark = judged(MANIFEST, scores(0.9, 0.1), CONVERTED)
    outline = bright.regions[0].outline
    assert outline[0] == outline[-1]
    assert max(max(point) for point in outline) > 64, "in pixels of the source, not of the preview"
    assert dark.regions == ()


def test_more_or_fewer_scores_than_findings_are_no_findings() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        judged(MANIFEST, scores(0.9), CONVERTED)
