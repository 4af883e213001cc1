"""Everything about one finding: figures of every group, curves, what is left within a view, and against rivals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from converter.evaluation import weighted
from converter.evaluation.cases import Case, CaseGroup, Judged, Rival, groups_of
from converter.evaluation.comparison import delong, paired_difference
from converter.evaluation.curves import histogram, precision_recall, reliability, roc
from converter.evaluation.figures import auc_estimate, enough, known, measure, rounded
from converter.evaluation.gaps import gaps
from converter.evaluation.intervals import UNKNOWN, bootstrap, exact_if_unanimous
from converter.evaluation.metrics import auc, value
from converter.evaluation.weighted import Bools, Floats, Rule, at
from converter.package.finding import FindingSpec


@dataclass(frozen=True)
class Other:
    """A rival on the images that were judged: its scores, nan where it has none, and its operating threshold."""

    name: str
    score: Floats
    threshold: float | None
    baseline: bool


def judge_finding(
    spec: FindingSpec, cases: Sequence[Case], splits: Mapping[str, str], pooled: bool, rivals: Sequence[Rival]
) -> dict[str, Any]:
    """Everything about one finding, from the cases for which somebody said whether it is there."""
    answered = [n for n, case in enumerate(cases) if spec.name in case.truth]
    judged = Judged.of([cases[n] for n in answered], spec.name)
    others = [
        Other(
            rival.name,
            np.array([rival.probability[n].get(spec.name, np.nan) for n in answered], dtype=np.float64),
            rival.thresholds.get(spec.name),
            rival.baseline,
        )
        for rival in rivals
    ]
    groups = list(groups_of(judged.cases, pooled))
    return {
        "name": spec.name,
        "meaning": spec.concept.meaning,
        "threshold": spec.operating_threshold,
        "threshold_rule": spec.threshold_rule,
        "groups": [
            judge_group(group, judged, spec.operating_threshold)
            | {"split": splits.get(group.source, ""), "rivals": rival_aucs(group, judged, others)}
            for group in groups
        ],
        "sources": [
            judge_source(group, judged, spec.name, spec.operating_threshold)
            | {"comparisons": list(comparisons(group, judged, others, spec.operating_threshold))}
            for group in groups
            if group.kind in ("all", "source")
        ],
    }


def judge_group(group: CaseGroup, judged: Judged, threshold: float) -> dict[str, Any]:
    """The figures of the analysed images, and with declined ones taken for negative calls where there are any."""
    analysed, declined = group.members & ~judged.declined, group.members & judged.declined
    found = measure(judged.positive[analysed], judged.score[analysed], threshold, judged.patients[analysed])
    everyone = None
    if declined.any():
        inside = group.members
        everyone = measure(judged.positive[inside], judged.score[inside], threshold, judged.patients[inside])
        del everyone["brier"], everyone["ece"], everyone["mean_probability"]  # a refusal is no probability
    return {
        "name": group.name,
        "kind": group.kind,
        "cohort": group.source,
        **found,
        "declined": int(declined.sum()),
        "declined_as_negative": everyone,
    }


def judge_source(group: CaseGroup, judged: Judged, finding: str, threshold: float) -> dict[str, Any]:
    """What is plotted of one source, its gaps, how much survives within a view, and where the map lies."""
    analysed = group.members & ~judged.declined
    positive, score = judged.positive[analysed], judged.score[analysed]
    both = enough(judged.patients[analysed], positive, ~positive)
    return {
        "name": group.name,
        "gaps": gaps([judged.cases[n] for n in np.flatnonzero(analysed).tolist()], finding, threshold, group.name),
        "roc": roc(positive, score) if both else [],
        "precision_recall": precision_recall(positive, score) if both else [],
        "reliability": reliability(positive, score) if both else [],
        "histogram": histogram(positive, score),
        "within_view": within_view(judged, analysed),
        "localisation": localisation(judged, analysed),
    }


def within_view(judged: Judged, members: Bools) -> dict[str, Any] | None:
    """How much of the AUC is left when only films of one view are compared; None where the views cannot tell.

    The view is a shortcut, because the sick are filmed AP: an AUC that is lower within the views came partly from it.
    """
    views = np.array([case.view for case in judged.cases], dtype=np.str_)
    inside = members & (views != "")
    positive, score, patients, views = (
        array[inside] for array in (judged.positive, judged.score, judged.patients, views)
    )
    names = np.unique(views).tolist()
    if len(names) < 2 or not enough(patients, positive, ~positive):
        return None
    by_view = partial(weighted.stratified_auc, strata=views)
    prevalence = {name: float(positive[views == name].mean()) for name in names}
    of_view = np.array([prevalence[name] for name in views.tolist()])
    across, within = value(weighted.auc, positive, score), value(by_view, positive, score)
    if np.isnan(within):
        return None
    return {
        "views": {name: int((views == name).sum()) for name in names},
        "auc": known(auc_estimate(positive, score, patients)),
        "auc_within_view": known(auc_estimate(positive, score, patients, by_view)),
        "difference": known(paired_difference((by_view, weighted.auc), positive, score, score, patients)),
        "auc_of_the_view_alone": rounded(auc(positive, of_view)),
        "kept": rounded((within - 0.5) / (across - 0.5)) if across > 0.5 else None,
    }


def localisation(judged: Judged, members: Bools) -> dict[str, Any] | None:
    """Means over the images on which readers drew boxes; None where there are none."""
    chosen = [n for n in np.flatnonzero(members).tolist() if judged.localised[n] is not None]
    if not chosen:
        return None
    patients, everything = judged.patients[chosen], np.ones(len(chosen), dtype=bool)
    found = [one for n in chosen if (one := judged.localised[n]) is not None]
    means = {}
    for name in ("pointed", "energy", "overlap", "area"):
        mean = UNKNOWN
        if enough(patients, everything):
            mean = bootstrap(
                weighted.mean, everything, np.array([float(getattr(one, name)) for one in found]), patients
            )
        means[name] = known(exact_if_unanimous(mean, len(np.unique(patients))))
    return {"images": len(chosen), **means}


def rival_aucs(group: CaseGroup, judged: Judged, others: Sequence[Other]) -> dict[str, Any]:
    """The AUC of each rival, and of the model itself, on the images of the group that both analysed."""
    found = {}
    for other in others:
        both = group.members & ~judged.declined & ~np.isnan(other.score)
        positive, patients = judged.positive[both], judged.patients[both]
        comparable = enough(patients, positive, ~positive)
        found[other.name] = {
            "images": int(both.sum()),
            "auc": known(auc_estimate(positive, other.score[both], patients)),
            "auc_of_the_model": rounded(auc(positive, judged.score[both])) if comparable else None,
            "baseline": other.baseline,
        }
    return found


def comparisons(
    group: CaseGroup, judged: Judged, others: Sequence[Other], threshold: float
) -> Iterator[dict[str, Any]]:
    """This model minus each rival, on the images that both analysed and each at its own operating point."""
    for other in others:
        both = group.members & ~judged.declined & ~np.isnan(other.score)
        positive, score, patients = judged.positive[both], judged.score[both], judged.patients[both]
        if not enough(patients, positive, ~positive):
            continue
        pairs: dict[str, tuple[Rule, Rule]] = {"auc": (weighted.auc, weighted.auc)}
        if other.threshold is not None:
            for name, rule in (("sensitivity", weighted.sensitivity), ("specificity", weighted.specificity)):
                pairs[name] = (at(rule, threshold), at(rule, other.threshold))
        differences = {
            name: known(paired_difference(rules, positive, score, other.score[both], patients))
            for name, rules in pairs.items()
        }
        test = delong(positive, score, other.score[both])
        yield {
            "rival": other.name,
            "images": int(both.sum()),
            "difference": differences,
            "delong": {name: rounded(number) for name, number in asdict(test).items()},
        }
