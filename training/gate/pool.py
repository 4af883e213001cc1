"""The gate's pictures as arrays, made once and kept: small ones to learn from, larger ones to measure on."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.image.gray_image import GrayImage
from converter.phantom import crude_chests, patterns
from converter.phantom import other_regions as phantoms
from training.data.images import load_training_images
from training.data.splits import select
from training.gate import packages, pictures, sources, volumes
from training.gate.sources import PictureFolders, Source, seed_of
from training.gate.subjects import Subject

Gray = NDArray[np.uint8]

# Somewhat larger than the gate's input, so that augmentation has room; what is measured is larger than any network's.
LEARNED_SIDE, MEASURED_SIDE = 96, 256
INCOMPLETE = "run python -m training gate fetch again, and look whether HILUM_DATA names the data"
# What decides how a picture comes out: kept pictures are made anew when one of these changes.
MAKERS = (crude_chests, packages, patterns, phantoms, pictures, sources, volumes)


@dataclass(frozen=True)
class PictureGroup:
    """Pictures [n, side, side] of one source and one kind, the whole picture squashed to a square."""

    name: str
    kind: str
    pictures: Gray


def learned_groups(subject: Subject, places: PictureFolders, without: Sequence[str] = ()) -> list[PictureGroup]:
    """Every source to learn from, but those named; the accepted pictures are left to `films`."""
    return [
        made(source, places, LEARNED_SIDE)
        for source in subject.sources
        if source.role == "train" and source.name not in without
    ]


def measured_groups(subject: Subject, places: PictureFolders) -> list[PictureGroup]:
    """Every source that is only measured."""
    return [made(source, places, MEASURED_SIDE) for source in subject.sources if source.role == "measure"]


def films(subject: Subject, data: Path, split: str, side: int) -> list[PictureGroup]:
    """What is to be accepted of one split, a group a cohort; the cohort that is not learned from whole with devtest."""
    examples = subject.examples(data)
    groups = [
        PictureGroup(cohort, subject.accepted, load_training_images(chosen, side))
        for cohort in subject.learned
        if (chosen := select(examples, split, [cohort]))
    ]
    unseen = [example for example in examples if example.cohort == subject.unseen]
    if split == "devtest" and unseen:
        groups.append(PictureGroup(subject.unseen, subject.accepted, load_training_images(unseen, side)))
    return groups


def spoiled(subject: Subject, group: PictureGroup, seed: int) -> list[PictureGroup]:
    """The films of `group` inverted, turned, cut to a part and so on (Subject.ways): what must be refused."""
    rng = np.random.default_rng(seed)
    return [
        PictureGroup(
            f"{group.name}, {kind}",
            kind,
            np.stack([squashed(way(film, rng), film.shape[0]) for film in group.pictures]),
        )
        for kind, way in subject.ways.items()
    ]


def made(source: Source, places: PictureFolders, side: int) -> PictureGroup:
    """The pictures of `source`; from the file of an earlier run where there is one."""
    file = places.packages / "pool" / f"{source.name.replace(' ', '-')}-{side}-{_key()}.npy"
    if not file.exists():
        rng = np.random.default_rng(seed_of(source))
        try:
            made_now = [squashed(picture, side) for picture in source.make(places, rng)]
        except FileNotFoundError as error:
            raise SystemExit(f"{source.name}: {error.filename} is missing: {INCOMPLETE}") from error
        if not made_now:
            raise SystemExit(
                f"{source.name}: no picture of it lies in {places.packages} or {places.dicom}: {INCOMPLETE}"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}.part.npy")
        np.save(unfinished, np.stack(made_now))
        unfinished.replace(file)
        print(f"{source.name}: {len(made_now)} pictures", flush=True)
    return PictureGroup(source.name, source.kind, np.load(file))


def _key() -> str:
    digest = hashlib.sha256()
    for module in MAKERS:
        digest.update(inspect.getsource(module).encode())
    return digest.hexdigest()[:8]


def as_gray(picture: Gray) -> GrayImage:
    rows, columns = picture.shape
    return GrayImage(picture.astype(np.uint16) * 257, source_shape=(rows, columns))


def squashed(picture: Gray, side: int) -> Gray:
    """The whole picture on side x side, by area average where it shrinks, as the converter squashes a film."""
    shrinks = min(picture.shape) >= side
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side, side), interpolation=how), np.uint8)
