"""The figures of `evaluate`, as the metrics that a manifest states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from converter.package.baseline import PREFIX
from converter.package.evidence import Metric

FIGURES = {"auc": "AUC", "sensitivity": "sensitivity", "specificity": "specificity", "ece": "ECE", "brier": "Brier"}


def groups(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for finding in report["findings"]:
        yield from finding["groups"]


def metrics(report: dict[str, Any]) -> Iterator[Metric]:
    """Every figure that has an interval, named `figure, group` or, of several findings, `figure of finding, group`; and
    the AUC of the baseline, `baseline auc, group`."""
    several = len(report["findings"]) > 1
    for finding in report["findings"]:
        of_finding = f" of {finding['name']}" if several else ""
        for group in finding["groups"]:
            for key in FIGURES:
                figure = group[key]
                if figure["value"] is not None and figure["low"] is not None:
                    yield Metric(
                        name=f"{key}{of_finding}, {group['name']}",
                        **figure,
                        cohort=group["cohort"],
                        split=group["split"],
                        images=group["images"],
                    )
            yield from _baselines(group, of_finding)


def _baselines(group: Mapping[str, Any], of_finding: str) -> Iterator[Metric]:
    """Of a rival that has no idea of anatomy; reports that were written before it was marked have none."""
    for rival in group["rivals"].values():
        figure = rival["auc"]
        if rival.get("baseline") and figure["value"] is not None and figure["low"] is not None:
            yield Metric(
                name=f"{PREFIX}auc{of_finding}, {group['name']}",
                **figure,
                cohort=group["cohort"],
                split=group["split"],
                images=rival["images"],
            )
