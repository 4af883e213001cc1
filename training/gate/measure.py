"""How often a package's gate is right, source by source, on images that it did not learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from converter.evaluation.curves import wilson
from converter.image.model_input import to_model_input
from converter.package.gate import Gate, GateFigure, refusal
from converter.package.manifest import Manifest
from converter.package.network import InputSpec
from training.gate.pool import (
    MEASURED_SIDE,
    PictureGroup,
    as_gray,
    films,
    made,
    measured_groups,
    spoiled,
)
from training.gate.sources import PictureFolders
from training.gate.subjects import Subject

BATCH = 64
SHEET_COLUMNS, SHEET_TILE, SHEET_PER_GROUP = 14, 110, 28
OTHER_FILMS = "other films of this cohort"


@dataclass(frozen=True)
class Verdicts:
    """What the gate said of one group: `shares` [n, kinds]; `refused` [n] by the manifest's rule; `accept`: whether it
    ought to accept the group."""

    group: PictureGroup
    shares: NDArray[np.float32]
    codes: tuple[str, ...]
    accept: bool

    @property
    def refused(self) -> NDArray[np.bool_]:
        return np.array([bool(code) for code in self.codes])

    def figure(self, seen: str) -> GateFigure:
        images, refused = len(self.codes), int(self.refused.sum())
        low, high = (round(float(bound), 4) for bound in wilson(refused, images))
        return GateFigure(
            source=self.group.name, kind=self.group.kind, images=images, refused=refused, low=low, high=high, seen=seen
        )


def groups_to_measure(
    subject: Subject, places: PictureFolders, data: Path, also: Sequence[str] = ()
) -> Iterator[tuple[PictureGroup, str]]:
    """Each group with what the gate has seen of its source: devtest films, the same spoiled,
    every source that is only measured, and those named in `also` (for a gate that was fitted without them)."""
    for number, group in enumerate(films(subject, data, "devtest", MEASURED_SIDE)):
        seen = OTHER_FILMS if group.name in subject.learned else ""
        yield group, seen
        for one in spoiled(subject, group, 100 + number):
            yield one, seen
    for group in measured_groups(subject, places):
        yield group, ""
    for source in subject.sources:
        if source.name in also:
            yield made(source, places, MEASURED_SIDE), ""


def judge(graph: bytes, spec: InputSpec, gate: Gate, group: PictureGroup) -> Verdicts:
    """The group through the conversion of the node and the package's own graph."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    parts = []
    for start in range(0, len(group.pictures), BATCH):
        batch = [to_model_input(as_gray(one), spec) for one in group.pictures[start : start + BATCH]]
        parts.append(session.run([gate.output], {spec.name: np.stack(batch)})[0])
    shares = np.concatenate(parts)
    verdicts = [refusal(gate, one) for one in shares]
    codes = tuple(one.code if one else "" for one in verdicts)
    return Verdicts(group, shares, codes, group.kind == gate.kinds[0].name)


def report(manifest: Manifest, verdicts: Sequence[Verdicts], figures: Sequence[GateFigure]) -> dict[str, Any]:
    """The figures as JSON, with the codes given, the totals, and how often the accepted share stayed above others."""
    assert manifest.gate is not None
    accepted = manifest.gate.kinds[0].name
    to_accept = [one for one in figures if one.kind == accepted]
    others = [one for one in figures if one.kind != accepted]
    return {
        "package": {"name": manifest.name, "version": manifest.version, "onnx_sha256": manifest.onnx_sha256},
        "threshold": manifest.gate.threshold,
        "accepted": _total(to_accept),
        "accepted_unseen_cohorts": _total([one for one in to_accept if not one.seen]),
        "others": _total(others),
        "others_unseen_sources": _total([one for one in others if not one.seen]),
        "sources": [
            {**one.model_dump(mode="json"), "codes": dict(Counter(code for code in verdict.codes if code))}
            for one, verdict in zip(figures, verdicts, strict=True)
        ],
    }


def table(figures: Sequence[GateFigure]) -> str:
    lines = ["| source | kind | images | refused | 95 % interval |", "|---|---|---|---|---|"]
    for one in figures:
        share = f"{one.refused} ({one.refused / one.images:.3f})"
        lines.append(f"| {one.source} | {one.kind} | {one.images} | {share} | {one.low:.3f} to {one.high:.3f} |")
    return "\n".join(lines)


def save_sheet_of_errors(file: Path, verdicts: Sequence[Verdicts]) -> None:
    """A picture (PNG) of films that were refused (red) and others that were not (yellow); nothing without any."""
    sheet = sheet_of_errors(verdicts)
    if sheet is not None:
        cv2.imwrite(str(file), sheet)


def sheet_of_errors(verdicts: Sequence[Verdicts]) -> NDArray[np.uint8] | None:
    """Each with its share of the accepted kind; None without any."""
    tiles = []
    for one in verdicts:
        wrong = np.flatnonzero(one.refused if one.accept else ~one.refused)
        for place in wrong[:SHEET_PER_GROUP]:
            small = cv2.resize(one.group.pictures[place], (SHEET_TILE, SHEET_TILE), interpolation=cv2.INTER_AREA)
            tile = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR)
            colour = (0, 0, 255) if one.accept else (0, 255, 255)
            cv2.putText(tile, f"{one.group.name[:14]} {one.shares[place, 0]:.2f}", (1, 10), 0, 0.3, colour)
            tiles.append(tile)
    if not tiles:
        return None
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % SHEET_COLUMNS)
    rows = [np.hstack(tiles[start : start + SHEET_COLUMNS]) for start in range(0, len(tiles), SHEET_COLUMNS)]
    return np.asarray(np.vstack(rows), np.uint8)


def _total(figures: Sequence[GateFigure]) -> dict[str, Any]:
    images, refused = sum(one.images for one in figures), sum(one.refused for one in figures)
    if not images:
        return {"images": 0, "refused": 0}
    low, high = wilson(refused, images)
    return {"images": images, "refused": refused, "share": refused / images, "low": low, "high": high}
