"""Whether answers hold when films are changed as no reader would mind: what is refused, what flips, what figures fall.

A film counts as refused where the node would not answer (its gate, implausible pixels, lungs that are not whole);
figures are of the answered films. An answer flips where a film, answered before and after, is on the other side of the
operating threshold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.analysis.ports import Model
from converter.evaluation import weighted
from converter.evaluation.changes import CHANGES, Change, Gray, changed
from converter.evaluation.figures import Measured, auc_estimate, estimated, known
from converter.evaluation.shown import FilmAnswer, answers
from converter.evaluation.weighted import Bools, Floats, at

SEED = 0
# An answer that flips more often than this, or an AUC that falls by more, is worth a warning.
FLIPPED_MAX, AUC_FALL_MAX = 0.1, 0.05
NAMED_FIRST = ("gamma", "clip limit", "quality", "detail times")


@dataclass(frozen=True)
class LabelledFilms:
    """Films of one source, labelled for one finding: gray values [H, W] of 0..1, whether the finding is there, and
    whose they are."""

    name: str
    films: Sequence[Gray]
    positive: Bools
    patients: NDArray[np.str_]


@dataclass(frozen=True)
class ChangedAnswers:
    """What a model said of some films: before, an answer a film; after, likewise for each strength of each change."""

    before: Sequence[FilmAnswer]
    after: Sequence[tuple[Change, Sequence[Sequence[FilmAnswer]]]]

    def of(self, films: Sequence[int]) -> ChangedAnswers:
        """What was said of the films at these places."""

        def some(answers: Sequence[FilmAnswer]) -> list[FilmAnswer]:
            return [answers[film] for film in films]

        return ChangedAnswers(some(self.before), [(change, [some(one) for one in each]) for change, each in self.after])


def robustness(
    labelled: LabelledFilms,
    model: Model,
    finding: int,
    changes: Sequence[Change] = CHANGES,
    watch: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """`ask` and `judge_answers` in one."""
    return judge_answers(labelled, ask(labelled.films, model, changes, watch), model, finding)


def ask(
    films: Sequence[Gray],
    model: Model,
    changes: Sequence[Change] = CHANGES,
    watch: Callable[[str], None] = lambda _: None,
) -> ChangedAnswers:
    """The answers of `model` to `films` as they are and after each of `changes`, for every finding at once. watch: is
    told the name of each change before it is made. Raises what the model raises."""
    before = list(answers(films, model))
    after = []
    for place, change in enumerate(changes):
        watch(change.name)
        of_strengths = []
        for strength in change.strengths:
            made = (changed(film, change, strength, hash_of(place, number)) for number, film in enumerate(films))
            of_strengths.append(list(answers(made, model)))
        after.append((change, of_strengths))
    return ChangedAnswers(before, after)


def judge_answers(labelled: LabelledFilms, asked: ChangedAnswers, model: Model, finding: int) -> dict[str, Any]:
    """Figures of the films as they are and after each change; `finding`: its place among those of `model`.

    {name, films, positives, threshold, as_stored: FIGURES, changes: [{name, unit, strengths: [{strength} | FIGURES]}]},
    FIGURES as of `figures_of`.
    """
    threshold = model.manifest.findings[finding].operating_threshold
    found = [
        {
            "name": change.name,
            "unit": change.unit,
            "strengths": [
                {"strength": strength, **figures_of(labelled, asked.before, after, finding, threshold)}
                for strength, after in zip(change.strengths, of_strengths, strict=True)
            ],
        }
        for change, of_strengths in asked.after
    ]
    return {
        "name": labelled.name,
        "films": len(labelled.films),
        "positives": int(labelled.positive.sum()),
        "threshold": threshold,
        "as_stored": figures_of(labelled, asked.before, asked.before, finding, threshold),
        "changes": found,
    }


def figures_of(
    labelled: LabelledFilms, before: Sequence[FilmAnswer], after: Sequence[FilmAnswer], finding: int, threshold: float
) -> dict[str, Any]:
    """{answered, refused, codes, flipped, auc, sensitivity, specificity}, the last five as {value, low, high}.

    refused: of all films; codes: how many by code; flipped: of those answered before and after.
    """
    answered = np.array([not one.refused for one in after])
    both = answered & np.array([not one.refused for one in before])
    score, first = (np.array([one.probability[finding] for one in some]) for some in (after, before))
    flips = ((score >= threshold) != (first >= threshold)).astype(np.float64)
    positive, patients = labelled.positive[answered], labelled.patients[answered]
    rules = {
        "sensitivity": Measured(at(weighted.sensitivity, threshold), (positive,), positive),
        "specificity": Measured(at(weighted.specificity, threshold), (~positive,), ~positive),
    }
    figures = {name: estimated(one, positive, score[answered], patients) for name, one in rules.items()}
    return {
        "answered": int(answered.sum()),
        "refused": share_of((~answered).astype(np.float64), labelled.patients),
        "codes": dict(sorted(Counter(one.refused for one in after if one.refused).items())),
        "flipped": share_of(flips[both], labelled.patients[both]),
        "auc": known(auc_estimate(positive, score[answered], patients)),
        **{name: known(figure) for name, figure in figures.items()},
    }


def share_of(yes: Floats, patients: NDArray[np.str_]) -> dict[str, float | None]:
    """The mean of `yes` [films] with its interval over patients; unknown for fewer patients than figures need."""
    everyone = np.ones(len(yes), dtype=bool)
    return known(estimated(Measured(weighted.mean, (everyone,), everyone), everyone, yes, patients))


def hash_of(change: int, film: int) -> int:
    """What a film is drawn upon with: the same for every strength, so that strengths can be compared."""
    return (SEED * 1_000 + change) * 1_000_000 + film


def weak_points(found: dict[str, Any]) -> list[str]:
    """The changes, at their weakest offending strength, that flip too many answers or cost too much AUC, in words."""
    told, whole = [], found["as_stored"]["auc"]["value"]
    for change in found["changes"]:
        for one in change["strengths"]:
            flipped, auc = one["flipped"]["value"], one["auc"]["value"]
            fallen = None if auc is None or whole is None else whole - auc
            if (flipped is not None and flipped > FLIPPED_MAX) or (fallen is not None and fallen > AUC_FALL_MAX):
                parts = [f"{flipped:.0%} of the answers flip"] if flipped is not None else []
                parts += [f"the AUC goes from {whole:.3f} to {auc:.3f}"] if fallen is not None else []
                told.append(f"{change['name']} {worded(one['strength'], change['unit'])}: {', '.join(parts)}")
                break
    return told


def worded(strength: float, unit: str) -> str:
    """A strength with its unit: 15 degrees, 20 % of each side length."""
    if unit.startswith("of "):
        return f"{100 * strength:g} % {unit}"
    return f"{unit} {strength:g}" if unit in NAMED_FIRST else f"{strength:g} {unit}"
