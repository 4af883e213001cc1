"""What only training measures of a package: whether size or aspect leak, and whether the map lies where it should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.data.cohorts import COHORTS, Example
from training.data.images import load_model_inputs
from training.judging.map_shift import mirror_shift
from training.judging.size_leak import measure_size_leak
from training.packaging.graph_model import Package

SIZE_LEAK_COHORT = "kermany512"
SAME_FILMS = {"kermany224", "kermany512"}
MAP_SHIFT_STEP = 5
# The mean shift of fewer films than this says nothing.
MAP_SHIFT_FILMS_MIN = 3


def further(package: Package, examples: Sequence[Example]) -> dict[str, Any]:
    """Whether size or aspect leak, and whether the map lies where the picture is."""
    spec = package.manifest.input
    of_size_leak = [example for example in examples if example.cohort == SIZE_LEAK_COHORT]
    found: dict[str, Any] = {}
    if len({example.positive for example in of_size_leak}) == 2:
        names = [finding.name for finding in package.manifest.findings]
        for finding in [one for one in COHORTS[SIZE_LEAK_COHORT].findings if one in names]:
            place = names.index(finding)
            found["size_leak"] = measure_size_leak(of_size_leak, package.graph, spec, finding=finding, output=place)
    films = [example for example in examples if example.cohort in map_cohorts(examples)][::MAP_SHIFT_STEP]
    shift = mirror_shift(package.graph, load_model_inputs(films, spec), spec)
    if shift.films >= MAP_SHIFT_FILMS_MIN:
        found["map_shift"] = shift._asdict()
    return found


def map_cohorts(examples: Sequence[Example]) -> set[str]:
    """The films that kept their aspect, where there are any."""
    found = {example.cohort for example in examples}
    return found & {"kermany512", "nih512"} or found


def notes(report: dict[str, Any]) -> list[dict[str, str]]:
    """The further checks in words."""
    found = []
    if {group["cohort"] for finding in report["findings"] for group in finding["groups"]} >= SAME_FILMS:
        found.append(
            {
                "title": "Not independent",
                "text": f"{' and '.join(sorted(SAME_FILMS))} hold partly the same films in two sizes: they are not two "
                "independent results.",
            }
        )
    if "size_leak" in report:
        leak = report["size_leak"]
        found.append(
            {
                "title": "Size and aspect",
                "text": f"On {SIZE_LEAK_COHORT} the stored area alone would reach an AUC of {leak['area_alone']:.3f}. "
                f"The model has {leak['as_stored']:.4f}, {leak['resized']:.4f} when each film is resized to the size "
                f"of another, {leak['padded']:.4f} when it is padded to the aspect of another.",
            }
        )
    if "map_shift" in report:
        shift = report["map_shift"]
        found.append(
            {
                "title": "Place of the heat map",
                "text": f"Against mirror images of {shift['films']} films the map lies {abs(shift['x']):.1f} pixels of "
                f"the network's input to the {'right' if shift['x'] >= 0 else 'left'} of its place.",
            }
        )
    return found
