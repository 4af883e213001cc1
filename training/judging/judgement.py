"""The judgement of a package as numbers, ready for JSON: every part that was asked for, and what speaks against it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from converter.evaluation.figures import PATIENTS_MIN
from converter.evaluation.gaps import wide
from converter.evaluation.intervals import LEVEL_PERCENT, ROUNDS
from converter.evaluation.robustness import weak_points
from training.judging.bench import SEED, Bench, NotMeasured, Part

KIND, FORMAT = "judgement", 1
# In the order of the page: part -> the module of this room that measures it, imported when it is asked for.
PARTS = {
    "mixed-sources": "mixed_sources",
    "robustness": "robust_answers",
    "lung-evidence": "lung_evidence",
    "pointing": "pointing",
    "gaps": "group_gaps",
}
# Healthy films of two collections are told apart, and painted-out lungs told sick, when an interval lies this far from
# 0.5: less is not worth a warning.
SIGNAL_MIN = 0.05


def build_judgement(bench: Bench, parts: Sequence[str], created: str) -> dict[str, Any]:
    """{kind, format, package, finding, setting, intervals, cautions, parts}; each part is what its module's `measure`
    returns, with `seconds`, or {not_measured: why}."""
    manifest = bench.package.manifest
    finding = manifest.findings[bench.finding]
    measured = {part: _measured(bench, part) for part in PARTS if part in parts}
    return {
        "kind": KIND,
        "format": FORMAT,
        "package": {
            "name": manifest.name,
            "version": manifest.version,
            "title": manifest.title,
            "onnx_sha256": manifest.onnx_sha256,
        },
        "finding": {"name": finding.name, "meaning": finding.concept.meaning, "threshold": finding.operating_threshold},
        "setting": {"created": created, "films_max": bench.films_max, "seed": SEED},
        "intervals": {"rounds": ROUNDS, "level_percent": LEVEL_PERCENT, "patients_min": PATIENTS_MIN},
        "cautions": [{"kind": kind, "text": text} for kind, text in cautions(measured)],
        "parts": measured,
    }


def _measured(bench: Bench, part: str) -> dict[str, Any]:
    measure: Part = importlib.import_module(f"training.judging.{PARTS[part]}").measure
    begun = time.monotonic()
    try:
        found = measure(bench)
    except NotMeasured as error:
        return {"not_measured": str(error)}
    return found | {"seconds": round(time.monotonic() - begun, 1)}


def is_measured(parts: Mapping[str, Any], part: str) -> bool:
    return part in parts and "not_measured" not in parts[part]


def cautions(parts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, sentence) of everything that speaks against the network, the gravest first."""
    if is_measured(parts, "mixed-sources"):
        yield from _of_mixed_sources(parts["mixed-sources"])
    if is_measured(parts, "lung-evidence"):
        for paint in parts["lung-evidence"]["paints"]:
            if paint["name"] == "lungs painted out" and _far_above(paint["auc"]):
                yield (
                    "evidence-outside",
                    f"With the lungs painted out it still tells sick from healthy films (AUC {_worded(paint['auc'])}, "
                    "0.5 is right): part of what it uses lies outside the lungs.",
                )
    if is_measured(parts, "robustness"):
        for population in parts["robustness"]["populations"]:
            weak = weak_points(population)
            if weak:
                yield (
                    "not-robust",
                    f"{population['name']}: answers do not hold under {'; '.join(weak)}.",
                )
    if is_measured(parts, "gaps"):
        for population in parts["gaps"]["populations"]:
            told = wide(population)
            if told:
                yield "gap", f"{population['name']}: {'; '.join(told)}."


def _of_mixed_sources(mixed: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    beaten = [
        f"{one['name']}: {one['probe']['value']:.3f}, the network {one['auc']['value']:.3f}"
        for one in mixed["finding_against"]
        if None not in (one["auc"]["value"], one["probe"]["value"]) and one["probe"]["value"] >= one["auc"]["value"]
    ]
    if beaten:
        yield (
            "baseline-wins",
            f"On adults, {mixed['probe']} has at least the AUC of the network against the healthy films of "
            f"{'; '.join(beaten)}: do not use the network for adults.",
        )
    lowest = mixed["lowest"]["auc"]
    if lowest["value"] is not None and lowest["low"] <= 0.5:
        yield (
            "no-better-than-chance",
            f"On adults, against the healthy films of {lowest['name']} the AUC is {_worded(lowest)}: no better than "
            "guessing. A figure against the healthy films of one collection measures that collection.",
        )
    for pair in mixed["healthy_against_healthy"]:
        auc = pair["auc"]
        if auc["value"] is not None and (_far_above(auc) or auc["high"] < 0.5 - SIGNAL_MIN):
            yield (
                "source-signal",
                f"It tells healthy adults of {pair['second']} from those of {pair['first']} (AUC {_worded(auc)}, 0.5 "
                "is right): part of what it uses is where a film comes from.",
            )


def _far_above(auc: Mapping[str, float | None]) -> bool:
    return auc["low"] is not None and auc["low"] > 0.5 + SIGNAL_MIN


def _worded(figure: Mapping[str, float | None]) -> str:
    return f"{figure['value']:.3f}, {figure['low']:.3f} to {figure['high']:.3f}"
