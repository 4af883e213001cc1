"""A few images to look at: found, missed, marked without the finding, rightly left alone; each with its heat map."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.evaluation.cases import Case
from converter.result.map_colours import attention_of, overlay

PICTURES_A_KIND = 6
PICTURES_MAX = 48
SIDE_MAX = 240
JPEG_QUALITY = 82


@dataclass(frozen=True)
class GalleryKind:
    name: str
    title: str
    rule: str


HIT = GalleryKind("hit", "Found", "a random choice")
MISS = GalleryKind("miss", "Missed", "of each source the lowest probabilities")
FALSE_ALARM = GalleryKind("false-alarm", "Marked, but labelled without", "of each source the highest probabilities")
REJECTION = GalleryKind("rejection", "Rightly not marked", "a random choice")
KINDS = (MISS, FALSE_ALARM, HIT, REJECTION)


@dataclass(frozen=True)
class Picture:
    """jpeg: the radiograph beside the same with its heat map. number: that of the image in the report."""

    number: int
    kind: GalleryKind
    source: str
    probability: float
    jpeg: bytes


@dataclass(frozen=True)
class _Kept:
    order: tuple[float, str]
    number: int
    source: str
    probability: float
    small: NDArray[np.uint8]
    cam: NDArray[np.float32]


class Gallery:
    """Keeps a bounded number of images for one finding while they come; draws them at the end."""

    def __init__(self, finding: str, threshold: float, findings: int = 1) -> None:
        """findings: how many galleries share the page."""
        self._finding, self._threshold = finding, threshold
        self._a_kind = max(1, min(PICTURES_A_KIND, PICTURES_MAX // (findings * len(KINDS))))
        self._kept: dict[GalleryKind, dict[str, list[_Kept]]] = {kind: defaultdict(list) for kind in KINDS}

    def add(self, number: int, case: Case, preview: NDArray[np.uint8], cam: NDArray[np.float32]) -> None:
        """An analysed image with its map [h, w] for this finding; one without a label is passed over."""
        if self._finding not in case.truth:
            return
        probability = case.probability[self._finding]
        kind = kind_of(case.truth[self._finding], probability >= self._threshold)
        chance = hashlib.sha256(f"{case.source}/{case.name}".encode()).hexdigest()
        order = (probability if kind is MISS else -probability if kind is FALSE_ALARM else 0.0, chance)
        kept = self._kept[kind][case.source]
        if len(kept) == self._a_kind and order >= kept[-1].order:
            return
        kept.append(_Kept(order, number, case.source, probability, _small(preview), cam.astype(np.float32)))
        kept.sort(key=lambda one: one.order)
        del kept[self._a_kind :]

    def pictures(self) -> Iterator[Picture]:
        """At most PICTURES_A_KIND of each kind, the sources in turn."""
        for kind, by_source in self._kept.items():
            in_turn = [one for row in zip_longest(*by_source.values()) for one in row if one is not None]
            for one in in_turn[: self._a_kind]:
                yield Picture(one.number, kind, one.source, one.probability, draw(one.small, one.cam))


def kind_of(positive: bool, called: bool) -> GalleryKind:
    if positive:
        return HIT if called else MISS
    return FALSE_ALARM if called else REJECTION


def draw(gray: NDArray[np.uint8], cam: NDArray[np.float32]) -> bytes:
    """The radiograph and, to its right, the same under its heat map, as a JPEG file."""
    rows, columns = gray.shape
    attention, _ = attention_of(cam, rows, columns)
    plain = cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)
    both = np.hstack([plain, np.zeros((len(gray), 4, 3), np.uint8), overlay(gray, attention)])
    encoded, data = cv2.imencode(
        ".jpg", cv2.cvtColor(both, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    if not encoded:
        raise ValueError(f"OpenCV could not encode a picture of shape {both.shape}")
    return data.tobytes()


def _small(preview: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = min(1.0, SIDE_MAX / max(preview.shape))
    size = (max(1, round(preview.shape[1] * scale)), max(1, round(preview.shape[0] * scale)))
    return np.asarray(cv2.resize(preview, size, interpolation=cv2.INTER_AREA), np.uint8)
