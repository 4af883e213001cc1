"""Whether the evidence lies in the lungs, on children's films with hand-made outlines.

PAINTS says what is shown: the film, the film without its lungs, and so on. A network that looks at lungs cannot tell
sick from healthy films whose lungs are painted out: 0.5 is right there. Paint is one gray for all films, the median
over them of the mean gray of their lungs, so that it says nothing of the film it covers. The network is asked whether
or not the node would ask it (its gate knows some of these pictures for what they are).

Where the map lies is measured on the films with the finding that are marked:
- `inside`: the share of the positive map (converter.result.regions.evidence) that lies on lung, mean over films;
  `area` is the share of those films that is lung, which a map that knows nothing would reach;
- `peak_inside`: the share of films whose strongest place lies on lung;
- `near`, `near_area`, `peak_near`: the same of the lungs grown by GROWN of the width.

A box of a one-sided opacity should stay on its side. The midline is half way between the two lungs of the outline
(`outlined.midline`); a box (converter.result.regions.attention_region) crosses it where it reaches further than
CROSSING of the width beyond it on both sides. A film with the finding counts as one-sided where at least ONE_SIDED of
its positive map lies on one side of the midline. (Opacities that were drawn into one lung: training.judging.pointing.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.evaluation.changes import Gray
from converter.evaluation.figures import auc_estimate, known
from converter.evaluation.robustness import share_of
from converter.evaluation.shown import FilmAnswer
from converter.result.lung_sides import two_lungs
from converter.result.regions import evidence, spots
from training.judging.bench import Bench, patients_of
from training.judging.outlined import Outlined, grown, load_outlined, midline, outlined_examples
from training.judging.robust_answers import both_classes

GROWN = 0.04
CROSSING = 0.02
ONE_SIDED = 0.9
PLACES = ("inside", "peak_inside", "area", "near", "peak_near", "near_area")
Paint = Callable[[Outlined, float], Gray]


def whole(film: Outlined, gray: float) -> Gray:
    return film.gray


def lungs_flat(film: Outlined, gray: float) -> Gray:
    """The outline is still to be seen, and what lies round it."""
    return np.where(film.lungs, np.float32(gray), film.gray)


def lungs_out(film: Outlined, gray: float) -> Gray:
    """The lungs grown by GROWN of the width, so that their edge, which disease moves, is gone too."""
    return np.where(grown(film.lungs, GROWN), np.float32(gray), film.gray)


def silhouette(film: Outlined, gray: float) -> Gray:
    """The outline alone: dark lungs in a body of one brighter gray, as far from white as lungs are from it."""
    return np.where(film.lungs, np.float32(gray), np.float32((1 + gray) / 2))


def lungs_alone(film: Outlined, gray: float) -> Gray:
    """Everything but the lungs in one gray."""
    return np.where(film.lungs, film.gray, np.float32(gray))


# name -> (how it is drawn, what a reader would make of it)
PAINTS: dict[str, tuple[Paint, str]] = {
    "whole film": (whole, "as it is"),
    "lungs painted flat": (lungs_flat, "their outline is left: as near to 0.5 as can be"),
    "lungs painted out": (lungs_out, f"grown by {GROWN:.0%} of the width: 0.5 is right"),
    "silhouette alone": (silhouette, "dark lungs in a brighter body, nothing else: 0.5 is right"),
    "lungs alone": (lungs_alone, "everything else painted flat: as the whole film"),
}


def measure(bench: Bench) -> dict[str, Any]:
    """{films, positives, paints: [{name, expected, auc, refused, marked}], map, boxes}. Raises NotMeasured."""
    examples = both_classes(bench, outlined_examples(bench))
    films = load_outlined(bench, examples)
    gray = float(np.median([film.gray[film.lungs].mean() for film in films if film.lungs.any()]))
    positive, patients = np.array([film.positive for film in films]), patients_of(examples)
    paints, answers = [], list[FilmAnswer]()
    for name, (paint, expected) in PAINTS.items():
        bench.watch(name)
        found = [bench.ask(np.asarray(paint(film, gray), dtype=np.float32)) for film in films]
        answers = answers or found
        probability = bench.probability(found)
        marked = (probability >= bench.threshold).astype(np.float64)
        paints.append(
            {
                "name": name,
                "expected": expected,
                "auc": known(auc_estimate(positive, probability, patients)),
                "marked": share_of(marked, patients),
                "refused": share_of(np.array([bool(one.refused) for one in found], np.float64), patients),
            }
        )
    chosen = [n for n, one in enumerate(answers) if positive[n] and one.probability[bench.finding] >= bench.threshold]
    maps = [answers[n].cam[bench.finding] for n in chosen]
    of_maps = [films[n] for n in chosen]
    return {
        "films": len(films),
        "positives": int(positive.sum()),
        "paints": paints,
        "map": where_the_map_lies(maps, of_maps),
        "boxes": boxes(maps, of_maps),
    }


def where_the_map_lies(maps: Sequence[NDArray[np.float32]], films: Sequence[Outlined]) -> dict[str, Any]:
    """{films, inside, peak_inside, area, near, peak_near, near_area} of films with their maps; a map that is nowhere
    positive is left out."""
    found: dict[str, list[float]] = {name: [] for name in PLACES}
    patients = []
    for cam, film in zip(maps, films, strict=True):
        fine = evidence(cam, *film.lungs.shape)
        if fine.max() <= 0:
            continue
        peak = np.unravel_index(int(fine.argmax()), fine.shape)
        for lungs, names in ((film.lungs, PLACES[:3]), (grown(film.lungs, GROWN), PLACES[3:])):
            figures = (fine[lungs].sum() / fine.sum(), lungs[peak], lungs.mean())
            for name, figure in zip(names, figures, strict=True):
                found[name].append(float(figure))
        patients.append(film.example.patient_id)
    whose = np.array(patients, dtype=np.str_)
    return {
        "films": len(patients),
        **{name: share_of(np.array(values, dtype=np.float64), whose) for name, values in found.items()},
    }


def boxes(maps: Sequence[NDArray[np.float32]], films: Sequence[Outlined]) -> dict[str, Any]:
    """{films, one_sided, cross}: films with two lungs and a positive map; those whose map is on one side; the share of
    these whose box crosses the midline all the same."""
    two, crossing, patients = 0, [], []
    for cam, film in zip(maps, films, strict=True):
        lungs = two_lungs(film.lungs)
        column = None if lungs is None else midline(*lungs)
        fine = evidence(cam, *film.lungs.shape)
        if column is None or fine.max() <= 0:
            continue
        two += 1
        left = float(fine[:, : round(column)].sum() / fine.sum())
        if max(left, 1 - left) >= ONE_SIDED:
            crossing.append(float(crosses(cam, column, film.lungs.shape)))
            patients.append(film.example.patient_id)
    share = share_of(np.array(crossing, dtype=np.float64), np.array(patients, dtype=np.str_))
    return {"films": two, "one_sided": len(crossing), "cross": share}


def crosses(cam: NDArray[np.float32], column: float, shape: tuple[int, ...]) -> bool:
    """Whether the strongest spot of `cam` [h, w] over a film of `shape` lies on both sides of the midline at
    `column`."""
    rows, columns = shape
    found = spots(evidence(cam, rows, columns), None)
    if not found:
        return False
    filled = np.flatnonzero(found[0].any(axis=0))
    return bool(filled[0] < column - CROSSING * columns and filled[-1] + 1 > column + CROSSING * columns)
