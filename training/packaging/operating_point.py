"""One threshold for a finding, chosen on the validation split alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.evaluation.metrics import sensitivity, specificity
from converter.evaluation.weighted import Floats
from converter.package.finding import OperatingPoint
from training.packaging.calibrate import FILMS_MIN, FOLDS, folds
from training.packaging.scored import Cohorts

# A manifest states its threshold so. The rule is asked of the rounded numbers: rounding afterwards could break it.
DECIMALS = 4
HALFWAY = 0.5
RULES = ("sensitivity", "youden")


class NoThreshold(ValueError):
    """The scores lie too close together, or the positives below the others."""


@dataclass(frozen=True)
class ThresholdChoice:
    threshold: float
    point: OperatingPoint
    films: str = "val"

    @property
    def sentence(self) -> str:
        """The rule as a card and a report state it."""
        point = self.point
        if point.rule == "halfway":
            return f"halfway: {point.reason}"
        best = {"sensitivity": "the highest", "youden": "that of the best mean Youden index"}[point.rule]
        return (
            f"{best} among the four-decimal thresholds that keep {' and '.join(point.guarded)} {self.films} at a "
            f"sensitivity of at least {point.sensitivity_min:g}"
        )


def choose_operating_point(
    cohorts: Cohorts, guarded: tuple[str, ...], sensitivity_min: float, seed: int = 0
) -> ThresholdChoice:
    """The threshold of the better rule, judged on patients that it was not chosen on.

    Better is: keeps the guarded cohorts at `sensitivity_min` on held-out films, then has more of sensitivity and
    specificity together; where neither keeps it, the more sensitive one.
    `cohorts` hold calibrated probabilities; where none of `guarded` can judge, all that can are guarded. Where nothing
    can be chosen, it is halfway, and says why.
    """
    judged = {name: one for name, one in cohorts.items() if len(set(one.positive.tolist())) == 2}
    kept = tuple(name for name in guarded if name in judged) or tuple(judged)
    fewest = min(
        (int((cohorts[name].positive == wanted).sum()) for name in kept for wanted in (True, False)), default=0
    )
    if fewest < FILMS_MIN:
        reason = f"a guarded cohort has {fewest} films of one answer on val, {FILMS_MIN} are needed to choose"
        return _halfway(sensitivity_min, guarded, reason)
    try:
        held = {rule: held_out(judged, kept, sensitivity_min, rule, seed) for rule in RULES}
    except NoThreshold as error:
        return _halfway(sensitivity_min, guarded, str(error))
    holding = [rule for rule in RULES if held[rule][0] >= sensitivity_min]
    taken = max(holding, key=lambda rule: sum(held[rule])) if holding else max(RULES, key=lambda rule: held[rule][0])
    told = ", ".join(f"{rule} {found:.3f} / {spared:.3f}" for rule, (found, spared) in held.items())
    reason = (
        f"held-out sensitivity of {'+'.join(kept)} / specificity of {'+'.join(judged)} ({FOLDS} folds by patient): "
        f"{told}; " + ("keeps the stated sensitivity, and more of both" if holding else "neither keeps it, the nearer")
    )
    point = OperatingPoint(
        rule="youden" if taken == "youden" else "sensitivity",
        sensitivity_min=sensitivity_min,
        guarded=kept,
        held_out_sensitivity=round(held[taken][0], 4),
        held_out_specificity=round(held[taken][1], 4),
        reason=reason,
    )
    return ThresholdChoice(choose_threshold(judged, kept, sensitivity_min, taken), point)


def _halfway(sensitivity_min: float, guarded: tuple[str, ...], reason: str) -> ThresholdChoice:
    point = OperatingPoint(rule="halfway", sensitivity_min=sensitivity_min, guarded=guarded, reason=reason)
    return ThresholdChoice(HALFWAY, point)


def choose_threshold(cohorts: Cohorts, guarded: tuple[str, ...], sensitivity_min: float, rule: str) -> float:
    """The threshold by `rule` among those that keep each of `guarded` at `sensitivity_min` or more.

    Candidates lie halfway between neighbouring scores, to four decimals; of equally good ones the middle one is taken,
    which is the furthest from any change.
    """
    scores = np.unique(np.concatenate([scored.score for scored in cohorts.values()]))
    candidates = np.unique(np.round((scores[1:] + scores[:-1]) / 2, DECIMALS))
    candidates = candidates[(candidates > 0) & (candidates < 1)]
    found = {name: _sensitivities(one.positive, one.score, candidates) for name, one in cohorts.items()}
    allowed = np.all([found[name] >= sensitivity_min for name in guarded], axis=0)
    if not allowed.any():
        raise NoThreshold(f"no threshold keeps {' and '.join(guarded)} at a sensitivity of {sensitivity_min}")
    spared = {name: 1 - _sensitivities(~one.positive, one.score, candidates) for name, one in cohorts.items()}
    both = np.mean([spared[name] + (found[name] if rule == "youden" else 0) for name in cohorts], axis=0)
    quality = np.where(allowed, both, -np.inf)
    best = np.flatnonzero(quality >= quality.max() - 1e-12)
    return float(candidates[int(best[len(best) // 2])])


def held_out(
    cohorts: Cohorts, guarded: tuple[str, ...], sensitivity_min: float, rule: str, seed: int
) -> tuple[float, float]:
    """(mean sensitivity of `guarded`, mean specificity of all), each film judged by a threshold of other patients."""
    called = {name: np.zeros(len(one.score)) for name, one in cohorts.items()}
    for held, learned in folds(cohorts, seed):
        usable = {name: one for name, one in learned.items() if len(set(one.positive.tolist())) == 2}
        threshold = choose_threshold(usable, tuple(n for n in guarded if n in usable), sensitivity_min, rule)
        for name, members in held.items():
            called[name][members] = cohorts[name].score[members] >= threshold
    found = [sensitivity(cohorts[name].positive, called[name], 0.5) for name in guarded]
    spared = [specificity(one.positive, called[name], 0.5) for name, one in cohorts.items()]
    return float(np.mean(found)), float(np.mean(spared))


def _sensitivities(positive: np.ndarray, score: Floats, thresholds: Floats) -> Floats:
    """The share of positives at or above each threshold."""
    found = np.sort(score[positive])
    return np.asarray(1 - np.searchsorted(found, thresholds, "left") / len(found))
