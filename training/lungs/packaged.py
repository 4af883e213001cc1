"""The graph of a fitted network and what a manifest says of it, where packages and measurements find them. Needs no
TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import yaml
from numpy.typing import NDArray

from converter.image.model_input import normalise
from converter.package.lungs import Lungs, OutlineFit, OutlineSource
from training.data import frame as rules
from training.data.cohorts import COHORTS
from training.lungs.network_input import GRAPH_INPUT

GRAPH, SPEC = "lungs.onnx", "lungs.yaml"
LIMITS = (
    "It learned the outlines of children of 1 to 5 years of one hospital; those of adults were looked at, not "
    "measured.",
    "Where a lung is opaque as a whole, its outline is a guess.",
)
CHILDREN = "kermany224"
BATCH = 64


def read_graph(folder: Path) -> bytes:
    """Ends the program where nothing was fitted in `folder`."""
    try:
        return (folder / GRAPH).read_bytes()
    except OSError as error:
        raise SystemExit(f"{folder} holds no fitted lungs ({error}): run python -m training lungs fit") from error


def write_spec(folder: Path, learned: Mapping[str, int], fit: OutlineFit) -> None:
    """What a manifest will say: the rules of the graph, how well it outlines, and of how many films of which cohorts it
    learned."""
    sources = [
        OutlineSource(name=f"{cohort}, outlined by hand", films=films, licence=COHORTS[cohort].licence)
        for cohort, films in learned.items()
    ]
    lungs = Lungs(
        area_min=rules.AREA_MIN,
        side_min=rules.SIDE_MIN,
        beyond=rules.BEYOND,
        fit=fit,
        sources=tuple(sources),
        limits=LIMITS if set(learned) == {CHILDREN} else LIMITS[1:],
    )
    write_section(folder, lungs)


def write_run(folder: Path, graph: bytes, section: Lungs) -> None:
    """A folder as `lungs fit` leaves it, for recipes to name."""
    folder.mkdir(parents=True)
    (folder / GRAPH).write_bytes(graph)
    write_section(folder, section)


def write_section(folder: Path, section: Lungs) -> None:
    text = yaml.safe_dump(section.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)
    (folder / SPEC).write_text(text, encoding="utf-8")


def read_spec(folder: Path) -> Lungs:
    """Ends the program where nothing was fitted in `folder`."""
    try:
        return Lungs.model_validate(yaml.safe_load((folder / SPEC).read_text(encoding="utf-8")))
    except OSError as error:
        raise SystemExit(f"{folder}: not measured yet ({error}): run python -m training lungs measure") from error


def outlines(graph: bytes, films: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[n, 64, 64]: the share of lung in each cell of films [n, side, side]."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    size = (GRAPH_INPUT.width, GRAPH_INPUT.height)
    made = []
    for start in range(0, len(films), BATCH):
        small = [cv2.resize(film, size, interpolation=cv2.INTER_AREA) for film in films[start : start + BATCH]]
        inputs = [normalise(np.asarray(one / 255, np.float32), GRAPH_INPUT)[np.newaxis] for one in small]
        made.append(session.run(["lungs"], {GRAPH_INPUT.name: np.stack(inputs)})[0][:, 0])
    return np.concatenate(made)
