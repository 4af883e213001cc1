"""The one-page report of a study as the node sends it: an Encapsulated PDF."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset

from converter.declined import Declined
from converter.image.gray_image import IDENTITY_AFFINE
from converter.result.kinds import pdf
from converter.result.kinds.content import Rendering, ReportedImage, ResultOptions, StudyContent
from converter.result.source_attributes import Charset
from tests.support.results.reports import ALGORITHM, CREATED_AT, a_cam, a_finding, an_identity


def a_content(sources: Sequence[Dataset], charset: Charset = "source") -> StudyContent:
    """The first of the films shows pneumonia, the last was declined, those between show nothing."""
    first, *between, last = sources
    refused = ReportedImage(str(last.SOPInstanceUID), last, declined=Declined("not-frontal", "it lies on its side"))
    found = [_analysed(first, 0.95), *(_analysed(source, 0.1) for source in between), refused]
    return StudyContent(
        an_identity(str(first.StudyInstanceUID)),
        ALGORITHM,
        tuple(found),
        ResultOptions(charset, "comprehensive_3d", heatmap_side_max=512, heatmap_for="positive"),
        lambda image: Rendering(np.full((512, 448), 90, np.uint8), IDENTITY_AFFINE),
    )


def a_pdf(sources: Sequence[Dataset], charset: Charset = "source") -> Dataset:
    """The document over `a_content`."""
    (one,) = pdf.build(a_content(sources, charset), {})
    return one.ds


def _analysed(source: Dataset, probability: float) -> ReportedImage:
    findings = (a_finding(source, probability),)
    return ReportedImage(str(source.SOPInstanceUID), source, findings, cam=a_cam()[np.newaxis], judged_at=CREATED_AT)
