"""Figures of a manifest at which a model without any idea of anatomy was as good as the network, or better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from converter.package.evidence import Metric

BASELINE = "a logistic regression on 32 x 32 gray values"
# How `card` names the AUC of the baseline beside that of the network: "auc, films" and "baseline auc, films".
PREFIX = "baseline "


def beaten(metrics: Iterable[Metric]) -> Iterator[tuple[Metric, Metric]]:
    """(of the network, of the baseline) for every group of images where the baseline's AUC is not the lower one."""
    by_name = {metric.name: metric for metric in metrics}
    for name, metric in by_name.items():
        baseline = by_name.get(PREFIX + name)
        if baseline is not None and baseline.value >= metric.value:
            yield metric, baseline


def verdict(where: str, baseline: float, network: float, rival: str = BASELINE) -> str:
    """What follows, in a sentence."""
    return f"On {where}, {rival} has AUC {baseline:.3f}, this network {network:.3f}: do not use the network."


def told_of(metrics: Iterable[Metric]) -> list[str]:
    """The sentences about a package, from what was measured when it was made."""
    return [
        verdict(f"{one.images} images of {one.cohort} ({one.split}, measured when it was made)", other.value, one.value)
        for one, other in beaten(metrics)
        if one.name.endswith(f", {one.cohort}")  # a source as a whole, not its parts
    ]
