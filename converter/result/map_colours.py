"""The colours of a map: how much attention is how much colour, over a film or as a layer by itself."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.result.regions import closed, evidence, resized

# Of a map without a scale of its model, attention is coloured from zero up to its own maximum, at least up to this
# activation (in logits): a faint response stays faint. 4 logits everywhere would be a probability of 98 %.
FULL_SCALE_MIN = 4.0
OPACITY_MAX = 0.62
# A map has some ten cells: from so many samples on there is nothing between two of them that a line does not tell.
COARSE_SIDE = 320
# Colour fades out between these shares of lung: the outline is coarser than the film.
LUNG_FROM, LUNG_TO = 0.2, 0.6


def map_layer(
    gray: NDArray[np.uint8],
    cam: NDArray[np.float32],
    full_scale: float | None = None,
    lungs: NDArray[np.float32] | None = None,
) -> NDArray[np.uint8]:
    """RGBA picture of the size of `gray`: laid over it, it looks as a heat map colours it; with less opacity, less.

    `cam`, and `lungs` as `attention_of` takes them, cover the same field of view as `gray`.
    """
    rows, columns = gray.shape
    levels = _levels(attention_of(cam, rows, columns, full_scale, lungs)[0])
    opacity = OPACITY_MAX * _opacity(np.linspace(0, 1, 256, dtype=np.float32))
    colours, light = _palette().astype(np.float32)[levels], gray.astype(np.float32)[..., np.newaxis]
    shown = np.rint(colours * (0.42 + 0.58 * light / 255 + 0.10)).clip(0, 255)
    layer = np.dstack([shown, np.rint(255 * opacity)[levels]]).astype(np.uint8)
    layer[layer[..., 3] == 0] = 0  # what is not seen makes no large file
    return layer


def attention_of(
    cam: NDArray[np.float32],
    rows: int,
    columns: int,
    full_scale: float | None = None,
    lungs: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float32], float]:
    """Attention of 0..1 in each of rows x columns pixels, and the activation (logit units) that 1 stands for.

    `full_scale`: that activation where it is the same for all films of the model. `lungs` [h, w], the share of lung in
    each cell: beyond them there is no attention.
    """
    coarser = max(1, min(rows, columns) // COARSE_SIDE)
    height, width = -(-rows // coarser), -(-columns // coarser)
    found = evidence(cam, height, width)
    full = max(FULL_SCALE_MIN, float(found.max())) if full_scale is None else full_scale
    attention = np.multiply(found, np.float32(1 / full))
    np.minimum(attention, 1, out=attention)
    if lungs is not None:
        attention *= _fading(resized(closed(lungs), height, width))
    return resized(attention, rows, columns), full


def _fading(lungs: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much of the colour is left at each share of lung; `lungs` itself becomes that."""
    lungs -= np.float32(LUNG_FROM)
    lungs *= np.float32(1 / (LUNG_TO - LUNG_FROM))
    return np.clip(lungs, 0, 1, out=lungs)


def _levels(attention: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(attention * np.float32(255), 0, 255), np.uint8)


def overlay(gray: NDArray[np.uint8], attention: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour `gray` by `attention` 0..1; the more attention the more colour, and the anatomy always shows through."""
    levels = _levels(attention)
    pairs = np.ascontiguousarray(cv2.merge([gray, levels]).view("<u2")[..., 0])
    return np.asarray(cv2.merge([cv2.LUT(pairs, channel) for channel in _blended_pairs()]), np.uint8)


def blend(gray: NDArray[np.uint8], levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colours of `gray` under attention of 0..255, as RGB along a new last axis."""
    colours = _palette()[levels].astype(np.float32)
    opacity = (OPACITY_MAX * _opacity(np.linspace(0, 1, 256, dtype=np.float32)))[levels][..., np.newaxis]
    light = gray.astype(np.float32)[..., np.newaxis]
    # the colour carries part of the radiograph's own brightness, so that edges stay visible under it
    tinted = colours * (0.42 + 0.58 * light / 255)
    return np.asarray(
        np.rint(light * (1 - opacity) + tinted * opacity + 0.10 * opacity * colours).clip(0, 255), np.uint8
    )


@cache
def _blended_pairs() -> tuple[NDArray[np.uint8], ...]:
    """Red, green and blue of every gray and level, at index gray + 256 * level."""
    levels, gray = np.indices((256, 256), dtype=np.uint8)
    return tuple(np.ascontiguousarray(channel) for channel in blend(gray, levels).reshape(-1, 3).T)


def _palette() -> NDArray[np.uint8]:
    """256 RGB colours, evenly perceived (inferno), without the near-black end that a radiograph would swallow."""
    ramp = np.linspace(70, 246, 256).astype(np.uint8)[np.newaxis]
    return np.ascontiguousarray(cv2.cvtColor(cv2.applyColorMap(ramp, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)[0])


def _opacity(attention: NDArray[np.float32]) -> NDArray[np.float32]:
    """From nothing at no attention to 1, smoothly: no visible edge where colour begins."""
    rising = np.clip((attention - 0.1) / 0.6, 0, 1)
    return np.asarray(rising * rising * (3 - 2 * rising), dtype=np.float32)
