"""Adults whose healthy films come from several collections: whether the disease is found, or the collection.

A model that tells one collection from another looks good wherever its two classes come from two of them. So the films
with the finding are held against the healthy films of each collection and of all of them, and the healthy films of one
collection against those of another, where 0.5 is right: nothing but the collection tells them apart. Beside every
figure stands a model without any idea of anatomy, taught on the train splits of all collections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.evaluation import weighted
from converter.evaluation.figures import Measured, auc_estimate, enough, estimated, known
from converter.evaluation.intervals import ROUNDS, UNKNOWN, Estimate, percentile_interval, resampled
from converter.evaluation.metrics import auc
from converter.evaluation.robustness import share_of
from converter.evaluation.weighted import Bools, Floats, at
from training.data.cohorts import Example
from training.data.images import load_thumbnails
from training.judging import baseline_models
from training.judging.bench import DISEASED, HEALTHY, UNSEEN, Bench, NotMeasured, patients_of

PROBE = "SVM"
PROBE_NAME = "an SVM on 32 x 32 gray values"
ALL = "all"


@dataclass(frozen=True)
class Population:
    """Films of adults. collection: of each film; patients: whose it is; positive: whether the finding is there."""

    examples: tuple[Example, ...]
    collection: NDArray[np.str_]
    patients: NDArray[np.str_]
    positive: Bools

    @classmethod
    def of(cls, bench: Bench, splits: Sequence[str]) -> Population:
        """Those with the finding, of one collection; those without it, of all. Raises NotMeasured."""
        diseased = [one for one in bench.examples(DISEASED, splits) if bench.is_positive(one)]
        healthy = [one for name in HEALTHY for one in bench.examples(name, splits) if not one.positive]
        there = {one.cohort for one in healthy}
        if not diseased or there != {*HEALTHY}:
            missing = ", ".join(sorted({*HEALTHY} - there)) or DISEASED
            raise NotMeasured(f"{missing}: no film to use in {' + '.join(splits)}")
        examples = (*diseased, *healthy)
        return cls(
            examples,
            np.array([one.cohort for one in examples], dtype=np.str_),
            patients_of(examples),
            np.array([bench.is_positive(one) for one in examples], dtype=bool),
        )

    def healthy(self, *collections: str) -> Bools:
        return ~self.positive & np.isin(self.collection, collections)


@dataclass(frozen=True)
class AdultScores:
    """Of each film of a population: the network's probability, the probe's score, and whether the node would answer."""

    network: Floats
    probe: Floats
    answered: Bools


def measure(bench: Bench) -> dict[str, Any]:
    """{splits, probe, finding_against, mean, lowest, healthy_against_healthy, called}; see `figures`."""
    bench.watch("adults of mixed sources")
    unseen, learning = Population.of(bench, UNSEEN), Population.of(bench, ["train"])
    answers = bench.ask_all(unseen.examples)
    pictures, asked = load_thumbnails(learning.examples), load_thumbnails(unseen.examples)
    scores = AdultScores(
        bench.probability(answers),
        baseline_models.scores(PROBE, pictures, learning.positive, asked),
        np.array([not one.refused for one in answers], dtype=bool),
    )
    return {"splits": " + ".join(UNSEEN), "probe": PROBE_NAME} | figures(unseen, scores, bench.threshold)


def figures(films: Population, scores: AdultScores, threshold: float) -> dict[str, Any]:
    """What is measured, of the films that the node would answer.

    finding_against: by collection, and of all, {name, images, positives, auc, probe}. mean, lowest: of the
    collections, {auc, probe}. healthy_against_healthy: {name, first, second, images, auc, probe}, the AUC being the
    share of pairs in which the film of the second has the higher score; 0.5 is right. called: the share of the healthy
    films of each collection, and of the films with the finding, that are marked.
    """
    answered = scores.answered
    ill = films.positive & answered
    against = [
        _compared(films, scores, name, ill, films.healthy(*collections) & answered)
        for name, collections in (*((one, (one,)) for one in HEALTHY), (ALL, HEALTHY))
    ]
    healthy = [
        {"first": " + ".join(first), "second": " + ".join(second)}
        | _compared(
            films,
            scores,
            f"{' + '.join(first)} v {' + '.join(second)}",
            films.healthy(*second) & answered,
            films.healthy(*first) & answered,
        )
        for first, second in pairs()
    ]
    return {
        "diseased": DISEASED,
        "finding_against": against,
        "mean": {
            key: mean_auc(films, getattr(scores, of), answered) for key, of in (("auc", "network"), ("probe", "probe"))
        },
        "lowest": {key: lowest(against[:-1], key) for key in ("auc", "probe")},
        "healthy_against_healthy": healthy,
        "called": _called(films, scores, threshold),
    }


def pairs() -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Which healthy films are held against which: the collection of the diseased against the others, and the others
    against each other."""
    others = tuple(name for name in HEALTHY if name != DISEASED)
    each = [((one,), (other,)) for n, one in enumerate(others) for other in others[n + 1 :]]
    return [((DISEASED,), others), *each]


def mean_auc(films: Population, score: Floats, answered: Bools) -> dict[str, float | None]:
    """The mean AUC over collections, each counting alike, with its interval over patients of all."""
    ill = films.positive & answered
    sides = [films.healthy(name) & answered for name in HEALTHY]
    if not enough(films.patients, ill, *sides):
        return known(UNKNOWN)

    def mean(weights: Floats) -> Floats:
        each = [weighted.auc(films.positive[ill | side], score[ill | side], weights[:, ill | side]) for side in sides]
        return np.asarray(np.mean(each, axis=0))

    figure = float(np.mean([auc(films.positive[ill | side], score[ill | side]) for side in sides]))
    draws = resampled(mean, films.patients, ROUNDS, seed=0)
    return known(Estimate(figure, *percentile_interval(draws)))


def lowest(groups: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    """The lowest figure of the collections, and of which one it is."""
    known_ones = [group for group in groups if group[key]["value"] is not None]
    if not known_ones:
        return {"name": "", **known(UNKNOWN)}
    least = min(known_ones, key=lambda group: float(group[key]["value"]))
    return {"name": least["name"], **least[key]}


def _compared(films: Population, scores: AdultScores, name: str, above: Bools, below: Bools) -> dict[str, Any]:
    """How often a film of `above` has the higher score than one of `below`, by the network and by the probe."""
    both = above | below
    return {
        "name": name,
        "images": int(both.sum()),
        "positives": int(above.sum()),
        "auc": known(auc_estimate(above[both], scores.network[both], films.patients[both])),
        "probe": known(auc_estimate(above[both], scores.probe[both], films.patients[both])),
    }


def _called(films: Population, scores: AdultScores, threshold: float) -> list[dict[str, Any]]:
    """{name, films, refused, marked}: of each collection's healthy films, and of the films with the finding."""
    parts = [(f"{DISEASED}, with the finding", films.positive)]
    parts += [(f"{name}, healthy", films.healthy(name)) for name in HEALTHY]
    found = []
    for name, members in parts:
        answered = members & scores.answered
        patients, score = films.patients[answered], scores.network[answered]
        everyone = np.ones(len(score), dtype=bool)
        marked = Measured(at(weighted.sensitivity, threshold), (everyone,), everyone)
        found.append(
            {
                "name": name,
                "films": int(members.sum()),
                "refused": share_of((~scores.answered[members]).astype(np.float64), films.patients[members]),
                "marked": known(estimated(marked, everyone, score, patients)),
            }
        )
    return found
