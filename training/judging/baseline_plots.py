"""The report of the baselines: tables, and a plot for each thing that they depend on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot

from training.judging.sensitivity import Curve, Figures
from training.learning.recipe import Recipe

MARKERS = "osD^vP"
# text stays text, and the same figures give the same bytes
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "hilum"})


def mean(figures: Figures) -> float:
    """Each cohort and finding counts alike; nan where there is none."""
    return float(np.mean(list(figures.values()))) if figures else float("nan")


def plot_curves(folder: Path, curve: Curve) -> Path:
    """AUC (mean over cohorts and findings) of each model over what was changed, as SVG in `folder`."""
    file = folder / f"{curve.title.replace(' ', '-')}.svg"
    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    for (name, points), marker in zip(curve.points.items(), MARKERS, strict=False):
        axes.plot([value for value, _ in points], [mean(figures) for _, figures in points], marker=marker, label=name)
    axes.set(xlabel=curve.axis, ylabel="AUC, mean over cohorts", title=f"Baselines: {curve.title}", ylim=(0.45, 1.01))
    axes.axhline(0.5, color="gray", linewidth=0.8, linestyle=":")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
    return file


def report(recipe: Recipe, split: str, learned: int, measured: int, curves: Sequence[Curve]) -> str:
    """Markdown: AUC by cohort with everything to learn from, then a table for each thing that it depends on."""
    whole = {name: points[-1][1] for name, points in curves[0].points.items()}
    columns = list(dict.fromkeys(column for figures in whole.values() for column in figures))
    rows = {name: [figures.get(column) for column in columns] for name, figures in whole.items()}
    parts = [
        f"# Baselines for {recipe.name}",
        f"AUC on {measured} films of {split} after learning from {learned} films as pictures of 32 x 32 pixels.",
        _table(columns, rows),
    ]
    for curve in curves:
        values = [value for value, _ in next(iter(curve.points.values()))]
        means = {name: [mean(figures) for _, figures in points] for name, points in curve.points.items()}
        parts += [f"AUC, mean over cohorts, by {curve.axis}:", _table([f"{value:g}" for value in values], means)]
    return "\n\n".join(parts) + "\n"


def _table(columns: Sequence[str], rows: Mapping[str, Sequence[float | None]]) -> str:
    lines = [f"| model | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for name, figures in rows.items():
        shown = ["-" if figure is None or math.isnan(figure) else f"{figure:.3f}" for figure in figures]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines)
