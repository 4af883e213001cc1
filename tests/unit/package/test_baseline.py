"""A package says itself where a model without any idea of anatomy was as good when it was made."""

from __future__ import annotations

import pytest

from converter.package.baseline import told_of
from converter.package.evidence import Metric


def metric(name: str, figure: float) -> Metric:
    return Metric(name=name, value=figure, cohort="ward", split="devtest", images=60)


@pytest.mark.parametrize(("network", "baseline", "told"), [(0.9, 0.95, 1), (0.9, 0.9, 1), (0.95, 0.9, 0)])
def test_a_network_has_to_be_better(network: float, baseline: float, told: int) -> None:
    sentences = told_of([metric("auc, ward", network), metric("baseline auc, ward", baseline)])
    assert len(sentences) == told
    assert all("do not use the network" in one and "60 images of ward" in one for one in sentences)


def test_each_finding_is_compared_with_its_own_baseline() -> None:
    found = [metric("auc of a, ward", 0.7), metric("auc of b, ward", 0.9), metric("baseline auc of a, ward", 0.8)]
    assert len(told_of(found)) == 1 and "AUC 0.800, this network 0.700" in told_of(found)[0]


def test_without_a_baseline_nothing_is_said() -> None:
    assert told_of([metric("auc, ward", 0.5), metric("sensitivity, ward", 0.5)]) == []
