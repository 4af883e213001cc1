"""Twelve small studies as a viewer gets them: films with pixels, and the results that a node would add to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydicom import Dataset

from converter.image.gray_image import IDENTITY_AFFINE
from converter.result.findings import Finding, Region
from converter.result.kinds.content import Rendering, ReportedImage
from converter.result.label_mark import begun_beside
from converter.result.place import Place
from converter.result.unplaced import OUTSIDE_LUNGS, SWITCHED_OFF
from tests.support.dicom.phantoms import make_dx
from tests.support.results.contents import (
    a_content,
    a_spot,
    analysed_film,
    circle,
    declined_film,
    judged,
    results_of,
    two_findings,
)
from tests.support.results.reports import an_identity

JAPANESE: dict[str, Any] = {
    "SpecificCharacterSet": ["", "ISO 2022 IR 87"],
    "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
}


@dataclass(frozen=True)
class ViewedStudy:
    """What a viewer is to show: the lines of each of the films that were analysed, in the order of urgency."""

    name: str
    images: Sequence[ReportedImage]

    @property
    def study_instance_uid(self) -> str:
        return str(self.images[0].source.StudyInstanceUID)

    def objects(self, *kinds: str) -> list[Dataset]:
        """The films, and the results of these kinds."""
        content = replace(
            a_content(self.images),
            identity=an_identity(self.study_instance_uid),
            rendering=lambda image: Rendering((image.source.pixel_array >> 4).astype(np.uint8), IDENTITY_AFFINE),
        )
        built = results_of(content)
        return [image.source for image in self.images] + [one.ds for kind in kinds for one in built[kind]]


def viewed_studies() -> list[ViewedStudy]:
    return [ViewedStudy(name, make(number)) for number, (name, make) in enumerate(_STUDIES.items(), 501)]


def _film(seed: int, instance: int = 1, **attributes: Any) -> Dataset:
    return make_dx(seed=seed, instance=instance, **attributes)


def _two_contours(film: Dataset) -> tuple[Region, Region]:
    other = Region(circle(0.7 * film.Columns, 0.4 * film.Rows, 0.06 * film.Columns), Place(left=("upper",)))
    return a_spot(film), other


def _in_the_left_lung(film: Dataset) -> Finding:
    """Near the right edge of the film, and outlined from where a node would begin."""
    outline = circle(0.72 * film.Columns, 0.65 * film.Rows, 0.12 * film.Columns)
    return judged(film, regions=(Region(begun_beside(outline, film.Columns), Place(left=("lower",))),))


def _one(finding: Callable[[Dataset], Finding] = judged, **attributes: Any) -> Callable[[int], list[ReportedImage]]:
    def made(seed: int) -> list[ReportedImage]:
        film = _film(seed, **attributes)
        return [analysed_film(film, finding(film))]

    return made


def _several_findings(seed: int) -> list[ReportedImage]:
    film = _film(seed)
    return [analysed_film(film, *two_findings(film))]


def _three_films(seed: int) -> list[ReportedImage]:
    films = [_film(seed, number) for number in (1, 2, 3)]
    return [analysed_film(film, judged(film, p)) for film, p in zip(films, (0.2, 0.97, 0.6), strict=True)]


def _with_a_lateral(seed: int) -> list[ReportedImage]:
    film, lateral = _film(seed), _film(seed, 2, ViewPosition="LL")
    return [analysed_film(film), declined_film(lateral)]


def _declined_only(seed: int) -> list[ReportedImage]:
    return [declined_film(_film(seed, ViewPosition="LL"))]


_STUDIES: dict[str, Callable[[int], list[ReportedImage]]] = {
    "adult": _one(PatientAge="066Y", PatientBirthDate="19600101"),
    "square": _one(_in_the_left_lung, rows=512, columns=512),
    "landscape": _one(_in_the_left_lung, rows=360, columns=512),
    "three films": _three_films,
    "declined only": _declined_only,
    "negative": _one(lambda film: judged(film, 0.018)),
    "Japanese name": _one(**JAPANESE),
    "two contours": _one(lambda film: judged(film, regions=_two_contours(film))),
    "several findings": _several_findings,
    "peak outside the lungs": _one(lambda film: judged(film, regions=(), unplaced=OUTSIDE_LUNGS)),
    "film and lateral": _with_a_lateral,
    "places switched off": _one(lambda film: judged(film, regions=(), unplaced=SWITCHED_OFF)),
}
