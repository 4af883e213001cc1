"""The gate's pictures as arrays, made once and kept: small ones to learn from, larger ones to measure on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.cohorts import COHORTS, Example, load_examples
from training.gate.films import inverted, part, rotated
from training.gate.sources import SOURCES, Places, Source, seed_of
from training.images import load_training_images
from training.splits import select

Gray = NDArray[np.uint8]

# Somewhat larger than the gate's input, so that augmentation has room; what is measured is larger than any network's.
LEARNED_SIDE, MEASURED_SIDE = 96, 256
LEARNED_COHORTS = ("kermany224", "kermany512", "nih512")
UNSEEN_COHORT = "hannover512"


@dataclass(frozen=True)
class Group:
    """Pictures [n, side, side] of one source and one kind, the whole picture squashed to a square."""

    name: str
    kind: str
    pictures: Gray


def learned_groups(places: Places, without: tuple[str, ...] = ()) -> list[Group]:
    """Every source to learn from, but those named; the frontal films are left to `learned_films`."""
    return [
        made(source, places, LEARNED_SIDE)
        for source in SOURCES
        if source.role == "train" and source.name not in without
    ]


def measured_groups(places: Places, also: tuple[str, ...] = ()) -> list[Group]:
    """Every source that is only measured, and those named."""
    return [made(one, places, MEASURED_SIDE) for one in SOURCES if one.role == "measure" or one.name in also]


def films(data: Path, split: str, side: int) -> list[Group]:
    """The frontal films of one split, one group a cohort; the cohort that is not learned from whole with devtest."""
    examples = load_examples(data)
    groups = [
        Group(cohort, "frontal-chest", load_training_images(chosen, side))
        for cohort in LEARNED_COHORTS
        if (chosen := select(examples, split, [cohort]))
    ]
    unseen = [example for example in examples if example.cohort == UNSEEN_COHORT]
    if split == "devtest" and unseen:
        groups.append(Group(UNSEEN_COHORT, "frontal-chest", load_training_images(unseen, side)))
    return groups


def spoiled(group: Group, seed: int) -> list[Group]:
    """The films of `group` inverted, turned, and cut to a part: frontal chest films that must be refused."""
    rng = np.random.default_rng(seed)
    ways = (("inverted", inverted), ("rotated", rotated), ("part-of-chest", part))
    return [
        Group(
            f"{group.name}, {kind}",
            kind,
            np.stack([squashed(way(film, rng), film.shape[0]) for film in group.pictures]),
        )
        for kind, way in ways
    ]


def made(source: Source, places: Places, side: int) -> Group:
    """The pictures of `source`; from the file of an earlier run where there is one."""
    file = places.packages / "pool" / f"{source.name.replace(' ', '-')}-{side}.npy"
    if not file.exists():
        rng = np.random.default_rng(seed_of(source))
        pictures = np.stack([squashed(picture, side) for picture in source.make(places, rng)])
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, pictures)
        print(f"{source.name}: {len(pictures)} pictures")
    return Group(source.name, source.kind, np.load(file))


def squashed(picture: Gray, side: int) -> Gray:
    """The whole picture on side x side, by area average where it shrinks, as the converter squashes a film."""
    shrinks = min(picture.shape) >= side
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side, side), interpolation=how), np.uint8)


__all__ = ["COHORTS", "Example", "Group", "films", "learned_groups", "made", "measured_groups", "spoiled", "squashed"]
