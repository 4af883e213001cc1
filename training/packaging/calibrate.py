"""Honest probabilities: which calibration a finding gets, and its numbers, decided on the validation split alone.

Every method is monotone, so that none changes the order of scores; cross-validation by patient says which is worth it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from converter.evaluation.weighted import Bools, Floats
from converter.package.calibration import KNOTS_MAX, Calibration, Knot
from training.packaging.scored import Cohorts, Scored

TEMPERATURES = np.exp(np.linspace(np.log(0.1), np.log(10), 231))
FOLDS = 5
# Fewer films of a class on val than this, and nothing can be fitted that would hold.
FILMS_MIN = 20
# Groups of an isotonic fit: fewer on a small val, so that each still holds some films.
GROUP_FILMS_MIN = 20
KNOT_DISTANCE_MIN = 1e-3
DECIMALS = 4


def log_loss(positive: Bools | Floats, logit: Floats) -> Floats:
    """Negative log likelihood of each image, computed without overflow."""
    return np.asarray(np.logaddexp(0, logit) - positive * logit)


def calibrated(calibration: Calibration, logit: Floats) -> Floats:
    """The logit after `calibration`, as the graph computes it."""
    linear = logit / calibration.temperature + calibration.bias
    if not calibration.knots:
        return linear
    raw, wanted = (np.array([getattr(knot, side) for knot in calibration.knots]) for side in ("raw", "calibrated"))
    beyond = np.minimum(linear - raw[0], 0) + np.maximum(linear - raw[-1], 0)
    return np.asarray(np.interp(linear, raw, wanted) + beyond)


def choose_calibration(cohorts: Cohorts, fitted_on: str, seed: int = 0) -> Calibration:
    """The simplest method that none after it beats by more than a standard error of held-out log loss.

    Each cohort counts as much as the next. Raises ValueError when a logit is not finite or a cohort is empty.
    """
    if not cohorts or not all(len(one.score) and np.isfinite(one.score).all() for one in cohorts.values()):
        raise ValueError("no finite log loss: a logit is infinite or not a number, or a cohort is empty")
    fewest = min(sum(int((one.positive == wanted).sum()) for one in cohorts.values()) for wanted in (True, False))
    if fewest < FILMS_MIN:
        reason = f"val holds {fewest} films of the rarer answer, {FILMS_MIN} are needed to fit anything"
        return Calibration(method="none", fitted_on=fitted_on, reason=reason)
    losses = {method: held_out_losses(fit, cohorts, seed) for method, fit in FITS.items()}
    weight = np.concatenate([np.full(len(one.score), 1 / len(one.score) / len(cohorts)) for one in cohorts.values()])
    taken = simplest(losses, weight)
    means = ", ".join(f"{method} {float(weight @ loss):.4f}" for method, loss in losses.items())
    reason = (
        f"held-out log loss on val ({FOLDS} folds by patient, cohorts alike): {means}; of these the simplest that no "
        "later one beats by more than a standard error"
    )
    return FITS[taken](cohorts).model_copy(update={"fitted_on": fitted_on, "reason": reason})


def simplest(losses: Mapping[str, Floats], weight: Floats) -> str:
    """The first of the methods, the simplest first, that none after it beats by more than a standard error."""

    def beaten(by: str, method: str) -> bool:
        gain = losses[method] - losses[by]
        mean = float(weight @ gain)
        return mean > float(np.sqrt(weight**2 @ (gain - mean) ** 2))

    methods = list(losses)
    return next(
        method for n, method in enumerate(methods) if not any(beaten(later, method) for later in methods[n + 1 :])
    )


def held_out_losses(fit: Callable[[Cohorts], Calibration], cohorts: Cohorts, seed: int) -> Floats:
    """The log loss of every image by a calibration that was fitted on other patients, in the order of `cohorts`."""
    losses = {name: np.zeros(len(one.score)) for name, one in cohorts.items()}
    for held_out, learned in folds(cohorts, seed):
        calibration = fit(learned)
        for name, members in held_out.items():
            one = cohorts[name].part(members)
            losses[name][members] = log_loss(one.positive, calibrated(calibration, one.score))
    return np.concatenate(list(losses.values()))


def folds(cohorts: Cohorts, seed: int) -> Iterator[tuple[dict[str, Bools], dict[str, Scored]]]:
    """(which images of each cohort are held out, the others), by patient: nobody is on both sides."""
    patients = np.unique(np.concatenate([one.patients for one in cohorts.values()]))
    drawn = np.random.default_rng(seed).permutation(len(patients)) % FOLDS
    fold_of = dict(zip(patients.tolist(), drawn.tolist(), strict=True))
    for number in range(FOLDS):
        held = {n: np.array([fold_of[p] == number for p in one.patients.tolist()]) for n, one in cohorts.items()}
        learned = {name: one.part(~held[name]) for name, one in cohorts.items() if not held[name].all()}
        yield held, learned


def _none(cohorts: Cohorts) -> Calibration:
    return Calibration(method="none", fitted_on="")


def fit_temperature(cohorts: Cohorts) -> Calibration:
    """The divisor of the logits that minimises the log loss: sureness alone."""
    losses = [
        np.mean([log_loss(one.positive, one.score / temperature).mean() for one in cohorts.values()])
        for temperature in TEMPERATURES
    ]
    return Calibration(
        method="temperature", temperature=round(float(TEMPERATURES[int(np.argmin(losses))]), DECIMALS), fitted_on=""
    )


def fit_platt(cohorts: Cohorts) -> Calibration:
    """Divisor and offset of the logits: sureness, and how common the finding is (Platt 1999)."""
    positive, logit, weight = _pooled(cohorts)
    scaled = logit / TEMPERATURES[:, None]
    bias = np.zeros((len(TEMPERATURES), 1))
    for _ in range(30):  # Newton in one dimension; the loss is convex in the offset
        promised = 1 / (1 + np.exp(-np.clip(scaled + bias, -500, 500)))
        slope = (promised - positive) @ weight
        curvature = np.maximum((promised * (1 - promised)) @ weight, 1e-6)
        bias = np.clip(bias - np.clip(slope / curvature, -1, 1)[:, None], -10, 10)
    losses = log_loss(positive, scaled + bias) @ weight
    best = int(np.argmin(losses))
    return Calibration(
        method="platt",
        temperature=round(float(TEMPERATURES[best]), DECIMALS),
        bias=round(float(bias[best, 0]), DECIMALS),
        fitted_on="",
    )


def fit_isotonic(cohorts: Cohorts) -> Calibration:
    """Rising straight lines through groups of films with neighbouring logits (pool adjacent violators), after Platt's.

    The linear part scales the map with the logit; the lines only bend what it left. A group stands at its mean logit
    and is given the logit of its share of positives, half a film of each answer added.
    """
    linear = fit_platt(cohorts)
    positive, raw, weight = _pooled(cohorts)
    logit = calibrated(linear, raw)
    order = np.argsort(logit, kind="stable")
    groups = min(KNOTS_MAX, max(2, len(logit) // GROUP_FILMS_MIN))
    place = np.minimum((np.cumsum(weight[order]) * groups * (1 - 1e-9)).astype(int), groups - 1)
    blocks: list[tuple[float, float, float]] = []  # weight, weighted logit, weighted positives
    for number in np.unique(place):
        members = order[place == number]
        blocks.append(_sums(weight[members], logit[members], positive[members]))
        while len(blocks) > 1 and not _rises(blocks[-2], blocks[-1], 0.5 / len(logit)):
            one, other = blocks.pop(), blocks.pop()
            blocks.append((other[0] + one[0], other[1] + one[1], other[2] + one[2]))
    if len(blocks) < 2:
        return linear
    knots = tuple(_knot(block, 0.5 / len(logit)) for block in blocks)
    return Calibration(method="isotonic", temperature=linear.temperature, bias=linear.bias, knots=knots, fitted_on="")


FITS: dict[str, Callable[[Cohorts], Calibration]] = {
    "none": _none,
    "temperature": fit_temperature,
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}


def _pooled(cohorts: Cohorts) -> tuple[Floats, Floats, Floats]:
    """Labels, logits and weights of all images; the weights of each cohort have the same sum, all together 1."""
    scored = cohorts.values()
    weight = np.concatenate([np.full(len(one.score), 1 / len(one.score) / len(cohorts)) for one in scored])
    positive = np.concatenate([one.positive for one in scored]).astype(np.float64)
    return positive, np.concatenate([one.score for one in scored]).astype(np.float64), weight


def _sums(weight: Floats, logit: Floats, positive: Floats) -> tuple[float, float, float]:
    return float(weight.sum()), float(weight @ logit), float(weight @ positive)


def _knot(block: tuple[float, float, float], extra: float) -> Knot:
    weight, logit, positive = block
    odds = (positive + extra) / (weight - positive + extra)
    return Knot(raw=round(logit / weight, DECIMALS), calibrated=round(float(np.log(odds)), DECIMALS))


def _rises(one: tuple[float, float, float], other: tuple[float, float, float], extra: float) -> bool:
    first, second = _knot(one, extra), _knot(other, extra)
    return min(second.raw - first.raw, second.calibrated - first.calibrated) >= KNOT_DISTANCE_MIN
