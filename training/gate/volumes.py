"""Slices and projections of volumes: what a CT or MR picture looks like, and what a radiograph of that body would."""

from __future__ import annotations

import gzip
import math
import struct
import tarfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

# Of an MR head: less is bone or air, more is fat; and how far from the brain its skull reaches.
SIGNAL_MIN, FAT_MIN, SKULL_MM = 22, 150, 9.0
NIFTI_TYPES = {2: "u1", 4: "i2", 16: "f4", 64: "f8", 256: "i1", 512: "u2"}


@dataclass(frozen=True)
class Volume:
    """values: float32 [slice, row, column], head first and front first as stored; spacing_mm in the same order."""

    values: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]


def read_nifti(path: Path) -> Volume:
    """A NIfTI-1 volume; the first of a series. Left and right are not told apart here."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    columns, rows, slices = struct.unpack_from("<3h", data, 42)
    (kind,) = struct.unpack_from("<h", data, 70)
    spacing = struct.unpack_from("<3f", data, 80)
    offset, slope, intercept = struct.unpack_from("<3f", data, 108)
    stored = np.frombuffer(data, f"<{NIFTI_TYPES[kind]}", columns * rows * slices, int(offset))
    values = stored.reshape(slices, rows, columns).astype(np.float32) * (slope or 1) + intercept
    return Volume(np.nan_to_num(values)[::-1, ::-1], (spacing[2], spacing[1], spacing[0]))


def read_invesalius(path: Path) -> Volume:
    """The CT inside an InVesalius project (a tar archive): int16 Hounsfield units, 108 slices of 256 x 256."""
    with tarfile.open(path) as archive:
        member = next(one for one in archive.getmembers() if one.name.endswith("matrix.dat"))
        stored = archive.extractfile(member)
        assert stored is not None
        values = np.frombuffer(stored.read(), "<i2").reshape(108, 256, 256)
    return Volume(values[::-1].astype(np.float32), (1.5, 0.957, 0.957))


def slice_of(volume: Volume, axis: int, share: float, window: tuple[float, float]) -> Gray:
    """The slice at `share` of the way along `axis`, in the proportions of the body; `window` is (lowest, highest)."""
    plane = np.take(volume.values, round(share * (volume.values.shape[axis] - 1)), axis)
    return _proportioned(_windowed(plane, window), [mm for place, mm in enumerate(volume.spacing_mm) if place != axis])


def projection(volume: Volume, degrees: float, rng: np.random.Generator) -> Gray:
    """A radiograph of a CT volume turned by `degrees` about the long axis (0 = frontal, 90 = lateral): parallel beams
    through water and bone, the brightest where most was in the way."""
    absorbing = np.clip(1 + volume.values / 1000, 0, 4)
    absorbing = np.where(absorbing > 1.15, 1 + rng.uniform(1, 3) * (absorbing - 1), absorbing)
    rows, columns = absorbing.shape[1:]
    turn = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), degrees, 1)
    turned = np.stack([cv2.warpAffine(plane.astype(np.float32), turn, (columns, rows)) for plane in absorbing])
    path_mm = turned.sum(axis=1) * volume.spacing_mm[1]
    exposed = 1 - np.exp(-path_mm / np.percentile(path_mm, 99) * rng.uniform(0.8, 3.2))
    low, high = np.percentile(exposed, (rng.uniform(0.5, 8), rng.uniform(97, 99.9)))
    picture = np.clip((exposed - low) / max(high - low, 1e-6), 0, 1) ** math.exp(rng.uniform(-0.3, 1.3))
    return _proportioned(picture, [volume.spacing_mm[0], volume.spacing_mm[2]])


def ct_of(head: Volume, brain: Volume, rng: np.random.Generator) -> Volume:
    """About what a CT of a head in T1-weighted MR would show, in Hounsfield units: skull, scalp, a nearly even brain.

    `brain` is the same head with everything but the brain 0. Bone is what lies some millimetres round the brain, and
    what gives no signal elsewhere; the head lies on a curved rest.
    """
    made = np.empty_like(head.values)
    rest = cv2.ellipse(np.zeros(head.values.shape[1:], np.uint8), *_rest_below(head), 1, 1)
    for place, (plane, inside) in enumerate(zip(head.values, brain.values, strict=True)):
        skin, within = _filled(plane > SIGNAL_MIN), _filled(inside > 0)
        away_mm = cv2.distanceTransform((1 - within).astype(np.uint8), cv2.DIST_L2, 5) * head.spacing_mm[1]
        bone = (within == 0) & ((away_mm < SKULL_MM) & within.any() | (plane < SIGNAL_MIN))
        tissue = np.where(within > 0, np.clip(12 + plane / 4, 5, 45), np.where(plane > FAT_MIN, -70, 50))
        made[place] = np.where(skin > 0, np.where(bone, 1100, tissue), np.where(rest > 0, 400, -1000))
    return Volume(made + rng.normal(0, 4, made.shape).astype(np.float32), head.spacing_mm)


def _rest_below(head: Volume) -> tuple[tuple[int, int], tuple[int, int], float, float, float]:
    """Centre, half axes and angles of an ellipse for OpenCV: an arc under the back of the head."""
    rows, columns = head.values.shape[1:]
    return (columns // 2, rows // 2), (int(columns * 0.49), int(rows * 0.49)), 0.0, 30.0, 150.0


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """1 in the outlines of `mask`, holes and narrow gaps included."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros(mask.shape, np.uint8), outlines, -1, 1, -1), np.uint8)


def body_only(volume: Volume, air: float = -500) -> Volume:
    """A CT without the table: in each slice only the largest thing denser than air, and what it encloses."""
    kept = np.empty_like(volume.values)
    for place, plane in enumerate(volume.values):
        count, labels, stats, _ = cv2.connectedComponentsWithStats((plane > air).astype(np.uint8))
        largest = (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()) if count > 1 else np.zeros(plane.shape, bool)
        outlines, _ = cv2.findContours(largest.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        body = cv2.drawContours(np.zeros(plane.shape, np.uint8), outlines, -1, 1, -1)
        kept[place] = np.where(body > 0, plane, -1000)
    return Volume(kept, volume.spacing_mm)


def reduced(volume: Volume, step: int) -> Volume:
    """Every `step`-th row and column, averaged."""
    rows, columns = (side // step for side in volume.values.shape[1:])
    planes = [cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA) for plane in volume.values]
    deep, high, wide = volume.spacing_mm
    return Volume(np.stack(planes), (deep, high * step, wide * step))


def _windowed(plane: NDArray[np.float32], window: tuple[float, float]) -> NDArray[np.float32]:
    low, high = window
    return np.asarray(np.clip((plane - low) / (high - low), 0, 1), np.float32)


def _proportioned(picture: NDArray[np.floating], spacing_mm: list[float]) -> Gray:
    rows, columns = (max(2, round(side * mm)) for side, mm in zip(picture.shape, spacing_mm, strict=True))
    resized = cv2.resize(np.asarray(picture, np.float32), (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.round(np.clip(resized, 0, 1) * 255), np.uint8)
