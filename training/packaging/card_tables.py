"""The tables of a model card, in Markdown."""

from __future__ import annotations

from typing import Any

from converter.evaluation.wording import percent
from converter.package.evidence import CohortSummary
from converter.package.gate import Gate
from converter.package.manifest import Manifest
from converter.package.precision import Precision
from training.data.cohorts import COHORTS
from training.packaging.measured import FIGURES


def cohort_table(manifest: Manifest) -> str:
    rows = [
        f"| {cohort.name}{' (drawn pictures)' if cohort.made else ''} | {cohort.images} | {cohort.patients} | "
        f"{population_of(cohort)} | {cohort.licence} |"
        for cohort in manifest.cohorts
    ]
    return "\n".join(["| cohort | train images | patients | who, as published | licence |", "|" + "---|" * 5, *rows])


def population_of(cohort: CohortSummary) -> str:
    """As its package says; packages made before they said it, as the cohort is published."""
    return cohort.population or (COHORTS[cohort.name].population if cohort.name in COHORTS else "-")


def figure_table(finding: dict[str, Any]) -> str:
    lines = [
        "| group | split | images (positive), patients | " + " | ".join(FIGURES.values()) + " | baseline AUC |",
        "|---|---|---|" + "---|" * (len(FIGURES) + 1),
    ]
    for group in finding["groups"]:
        baselines = [one["auc"] for name, one in group["rivals"].items() if "logistic" in name]
        lines.append(
            f"| {group['name']} | {group['split']} | {group['images']} ({group['positives']}), {group['patients']} | "
            + " | ".join(_figure(group[key]) for key in FIGURES)
            + f" | {_figure(baselines[0], interval=False) if baselines else '-'} |"
        )
    return "\n".join(lines)


def count_table(finding: dict[str, Any]) -> str:
    lines = [
        "| group | true positive | missed | false alarm | true negative | declined | precision | F1 |",
        "|---|" + "---|" * 7,
    ]
    for group in finding["groups"]:
        counts = group["confusion"]
        numbers = [counts["tp"], counts["fn"], counts["fp"], counts["tn"], group["declined"]]
        ratios = [_figure(group[key], interval=False) for key in ("precision", "f1")]
        lines.append(f"| {group['name']} | " + " | ".join(map(str, numbers)) + " | " + " | ".join(ratios) + " |")
    return "\n".join(lines)


def precision_table(precision: Precision) -> str:
    lines = ["| cohort | finding | split | images | AUC | ECE | largest change |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {one.cohort} | {one.finding} | {one.split} | {one.images} | {one.auc_full:.4f}, {one.auc:.4f} | "
        f"{one.ece_full:.4f}, {one.ece:.4f} | {one.largest_change:.4f} |"
        for one in precision.cohorts
    ]
    return "\n".join(lines)


def gate_table(gate: Gate) -> str:
    lines = ["| source | kind | images | refused | seen by the gate |", "|---|---|---|---|---|"]
    for one in gate.measured:
        share = f"{one.refused}: {percent({'value': one.refused / one.images, 'low': one.low, 'high': one.high})}"
        lines.append(f"| {one.source} | {one.kind} | {one.images} | {share} | {one.seen or 'nothing'} |")
    return "\n".join(lines)


def table_of_real_files(looked_at: list[dict[str, Any]], finding: str, threshold: float) -> str:
    heading = f"probability of {finding} (threshold {threshold})"
    lines = [f"| folder | file | outcome | {heading} | in service |", "|---|---|---|---|---|"]
    for entry in looked_at:
        probability = f"{entry['probability']:.3f}" if "probability" in entry else "-"
        lines.append(
            f"| {entry['folder']} | {entry['file']} | {entry['outcome']} | {probability} | {entry['in_service']} |"
        )
    return "\n".join(lines)


def _figure(figure: dict[str, float | None], interval: bool = True) -> str:
    if figure["value"] is None:
        return "-"
    if not interval or figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
