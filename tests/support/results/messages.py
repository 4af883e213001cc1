"""Messages about reports over the headers of tests.support.dicom.sources, as the node would have them written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pydicom import Dataset

from converter.declined import Declined
from converter.image.gray_image import IDENTITY_AFFINE
from converter.result.findings import Finding, Region
from converter.result.kinds.content import Rendering, ReportedImage, ResultOptions, StudyContent
from converter.result.messages.content import MessageOptions, StudyMessage, study_message
from converter.result.messages.kept import message_uid
from converter.result.place import Place
from tests.support.dicom.sources import dx_full
from tests.support.results.reports import ALGORITHM, CREATED_AT, a_finding, an_identity

RIGHT_LOWER = Place(right=("lower",))


def a_film(source: Dataset, *probabilities: float, notes: tuple[str, ...] = ()) -> ReportedImage:
    """Analysed, with a finding for each probability."""
    names = ("pneumonia", "opacity")
    findings = [a_finding(source, one, name=name) for one, name in zip(probabilities or (0.9512,), names, strict=False)]
    return ReportedImage(str(source.SOPInstanceUID), source, tuple(map(placed, findings)), notes, judged_at=CREATED_AT)


def placed(finding: Finding) -> Finding:
    """A positive one lies in the right lung, below."""
    if not finding.positive:
        return finding
    return replace(finding, regions=(Region(((1.0, 1.0), (9.0, 1.0), (9.0, 9.0)), RIGHT_LOWER),), unplaced="")


def a_declined_film(source: Dataset, code: str = "not-frontal") -> ReportedImage:
    return ReportedImage(str(source.SOPInstanceUID), source, declined=Declined(code, "View Position is LL"))


def a_study(images: Sequence[ReportedImage], revision: int = 1, **more: Any) -> StudyContent:
    study = str(images[0].source.StudyInstanceUID)
    return StudyContent(
        an_identity(study, revision),
        ALGORITHM,
        tuple(images),
        ResultOptions("source", "comprehensive_3d", 512, "all"),
        lambda image: Rendering(np.full((7, 7), 96, np.uint8), IDENTITY_AFFINE),
        **more,
    )


def a_message(
    images: Sequence[ReportedImage] = (), revision: int = 1, *, system: str = "ris", left_out: int = 0, **options: Any
) -> StudyMessage:
    films = images or [a_film(dx_full())]
    content = a_study(films, revision, left_out=tuple(f"1.2.{n}" for n in range(left_out)))
    uid = message_uid(content.identity.study_instance_uid, "chest", "hl7", system, revision)
    return study_message(content, uid, MessageOptions(system, **options))
