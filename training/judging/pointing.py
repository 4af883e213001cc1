"""The pointing game: opacities are drawn into healthy lungs, and the map is asked where they are.

An opacity is a Gaussian whose sigma is a share of the film's width (SIGMAS), in the middle of one of four zones: the
upper or lower half (by rows of its outline) of either lung. It brightens the film towards its soft tissue. The map
points where its positive part (converter.result.regions.evidence) is strongest within REACH sigma of the middle; a map
that is nowhere positive points nowhere. Beside it: how often the probability fell although something was added, how
often the film is marked, and how often the box of the map crosses the midline (training.judging.lung_evidence).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.evaluation.changes import Gray
from converter.evaluation.robustness import share_of
from converter.result.lung_sides import two_lungs
from converter.result.regions import evidence
from training.data.splits import spread
from training.judging.bench import Bench, NotMeasured
from training.judging.lung_evidence import crosses
from training.judging.outlined import Outlined, load_outlined, midline, outlined_examples

SIGMAS = (0.06, 0.09, 0.12)
REACH = 1.5
# How far towards the gray of soft tissue, this percentile of the film, the middle of an opacity is brightened.
STRENGTH, SOFT_TISSUE = 0.7, 90.0
BRIGHTER_MIN = 0.05
# Each film is drawn upon SIGMAS x zones times: so few films as this share of the most that a part may use.
FILMS_SHARE = 0.25


@dataclass(frozen=True)
class Shot:
    """One drawn opacity: where the map pointed and what became of the probability. before, after: probabilities."""

    sigma: float
    zone: str
    patient: str
    shown: bool
    pointed: bool
    crossed: bool | None
    before: float
    after: float


def measure(bench: Bench) -> dict[str, Any]:
    """{films, left_out, sizes: [{sigma, opacities, chance} | shares], zones: [{sigma, zone, pointed}]}.

    left_out: healthy films whose outline does not show two lungs. chance: the share of a film within reach, which a map
    that knows nothing would hit. Shares, each {value, low, high}: pointed (of all), shown (with a positive map),
    pointed_of_shown, fell, marked, cross (boxes that cross the midline, of those shown). Raises NotMeasured.
    """
    healthy = [one for one in outlined_examples(bench) if not one.positive]
    if not healthy:
        raise NotMeasured("no healthy film has an outline of its lungs")
    bench.watch("drawn opacities")
    films = load_outlined(bench, spread(healthy, max(1, round(bench.films_max * FILMS_SHARE))))
    shots: list[Shot] = []
    left_out = 0
    for film in films:
        some = list(shots_at(bench, film))
        left_out += not some
        shots += some
    return {"films": len(films) - left_out, "left_out": left_out} | summary(shots, bench.threshold)


def shots_at(bench: Bench, film: Outlined) -> Iterator[Shot]:
    """One opacity of each size in each zone of `film`; none where its outline does not show two lungs."""
    lungs = two_lungs(film.lungs)
    column = None if lungs is None else midline(*lungs)
    if lungs is None or column is None:
        return
    before = float(bench.ask(film.gray).probability[bench.finding])
    for zone, place in zones(*lungs).items():
        for sigma in SIGMAS:
            size = sigma * film.gray.shape[1]
            after = bench.ask(drawn(film.gray, *place, size))
            cam = after.cam[bench.finding]
            fine = evidence(cam, *film.gray.shape)
            shown = bool(fine.max() > 0)
            yield Shot(
                sigma=sigma,
                zone=zone,
                patient=film.example.patient_id,
                shown=shown,
                pointed=shown and points_at(fine, place, REACH * size),
                crossed=crosses(cam, column, film.gray.shape) if shown else None,
                before=before,
                after=float(after.probability[bench.finding]),
            )


def points_at(fine: NDArray[np.float32], place: tuple[int, int], reach: float) -> bool:
    """Whether the strongest pixel of `fine` lies within `reach` pixels of `place` (row, column)."""
    peak = np.unravel_index(int(fine.argmax()), fine.shape)
    return math.dist(place, [float(one) for one in peak]) <= reach


def zones(left: NDArray[np.bool_], right: NDArray[np.bool_]) -> dict[str, tuple[int, int]]:
    """(row, column) of the middle of each zone: where it is farthest from its edge."""
    found = {}
    for side, lung in (("left of the picture", left), ("right of the picture", right)):
        rows = np.flatnonzero(lung.any(axis=1))
        half = (rows[0] + rows[-1] + 1) // 2
        for name, part in (("upper", slice(None, half)), ("lower", slice(half, None))):
            zone = np.zeros(lung.shape, dtype=np.uint8)
            zone[part] = lung[part]
            depth = cv2.distanceTransform(zone, cv2.DIST_L2, 5)
            row, column = np.unravel_index(int(depth.argmax()), depth.shape)
            found[f"{name}, {side}"] = (int(row), int(column))
    return found


def drawn(gray: Gray, row: int, column: int, size: float) -> Gray:
    """`gray` with an opacity of sigma `size` pixels round (row, column)."""
    y, x = np.ogrid[: gray.shape[0], : gray.shape[1]]
    blob = np.exp(-0.5 * ((y - row) ** 2 + (x - column) ** 2) / size**2).astype(np.float32)
    soft = np.float32(np.percentile(gray, SOFT_TISSUE))
    brighter = np.float32(STRENGTH) * blob * np.maximum(soft - gray, np.float32(BRIGHTER_MIN))
    return np.asarray(np.clip(gray + brighter, 0, 1), dtype=np.float32)


def summary(shots: list[Shot], threshold: float) -> dict[str, Any]:
    sizes = []
    for sigma in SIGMAS:
        some = [one for one in shots if one.sigma == sigma]
        seen = [one for one in some if one.shown]
        sizes.append(
            {
                "sigma": sigma,
                "opacities": len(some),
                "chance": round(math.pi * (REACH * sigma) ** 2, 4),
                "pointed": _share(some, [one.pointed for one in some]),
                "shown": _share(some, [one.shown for one in some]),
                "pointed_of_shown": _share(seen, [one.pointed for one in seen]),
                "fell": _share(some, [one.after < one.before for one in some]),
                "marked": _share(some, [one.after >= threshold for one in some]),
                "cross": _share(seen, [bool(one.crossed) for one in seen]),
            }
        )
    places = sorted({one.zone for one in shots})
    by_zone = [
        {"sigma": sigma, "zone": zone, "pointed": _share(some, [one.pointed for one in some])}
        for sigma in SIGMAS
        for zone in places
        if (some := [one for one in shots if (one.sigma, one.zone) == (sigma, zone)])
    ]
    return {"sizes": sizes, "zones": by_zone}


def _share(shots: list[Shot], yes: list[bool]) -> dict[str, float | None]:
    patients = np.array([one.patient for one in shots], dtype=np.str_)
    return share_of(np.array(yes, dtype=np.float64), patients)
