"""Draws how far each goal is reached: measured over wanted, so that everything right of the line is reached."""

from __future__ import annotations

import statistics
from pathlib import Path

import matplotlib

from tests.bench.goals import GOALS
from tests.bench.kept import Kept

PLOT = "RESULTS.svg"
# A figure near nothing, such as the load of idle associations, is drawn here and no further.
TIMES_MAX = 20
REACHED, MISSED = "#2a7f62", "#b5502f"


def draw(kept: Kept, path: Path) -> None:
    """An SVG with a row a goal: median as a dot, least to largest as a line."""
    matplotlib.use("svg")
    from matplotlib import pyplot

    measured = [(goal, figures) for goal in GOALS if (figures := goal.measure(kept))]
    with pyplot.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 8}):
        figure, axes = pyplot.subplots(figsize=(10, 0.6 + 0.26 * max(1, len(measured))), layout="constrained")
        for row, (goal, figures) in enumerate(reversed(measured)):
            # more is better throughout: where less is wanted, the ratio is turned round
            turned = [
                value / goal.bound if goal.compare == ">=" else goal.bound / max(value, goal.bound / TIMES_MAX)
                for value in figures
            ]
            colour = REACHED if goal.reached(figures) else MISSED
            axes.plot([min(turned), max(turned)], [row, row], color=colour, linewidth=1.5)
            axes.plot(statistics.median(turned), row, "o", color=colour, markersize=4)
        axes.set_yticks(range(len(measured)), [goal.what for goal, _ in reversed(measured)])
        axes.axvline(1, color="#555555", linewidth=0.8)
        axes.set_xscale("log")
        axes.set_xlabel("measured / wanted (right of the line: reached)")
        axes.grid(axis="x", linewidth=0.3)
        figure.savefig(path, format="svg", metadata={"Date": None})
        pyplot.close(figure)
