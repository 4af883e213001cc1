"""Images that are the same film, whatever their size, compression or cohort: found by correlation of 32 x 32 pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.cohorts import Example
from training.data.images import load_thumbnails

# Two films of one patient stay below; the same film, squashed and compressed again, is above.
CORRELATION_MIN = 0.995
BLOCK = 2048

Pair = tuple[int, int]


def find_near_duplicates(examples: Sequence[Example]) -> list[Pair]:
    """Places (i < j) of every two `examples` that are the same film. Each image is read once, then kept on disk."""
    places: dict[str, list[int]] = {}
    for place, example in enumerate(examples):
        places.setdefault(example.cohort, []).append(place)
    thumbnails = np.concatenate([load_thumbnails([examples[i] for i in members]) for members in places.values()])
    order = [place for members in places.values() for place in members]
    return sorted((min(order[i], order[j]), max(order[i], order[j])) for i, j in correlated(thumbnails))


def correlated(thumbnails: NDArray[np.float32], correlation_min: float = CORRELATION_MIN) -> list[Pair]:
    """Places (i < j) of every two of `thumbnails` [n, h, w] whose Pearson correlation is above `correlation_min`.

    Blocks of a matrix product: n * n * h * w multiplications, and never more than BLOCK * BLOCK numbers at once. An
    image of one gray value is like no other.
    """
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    flat = flat - flat.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = np.divide(flat, norm, out=np.zeros_like(flat), where=norm > 1e-6)
    pairs: list[Pair] = []
    for top in range(0, len(unit), BLOCK):
        for left in range(top, len(unit), BLOCK):
            product = unit[top : top + BLOCK] @ unit[left : left + BLOCK].T
            rows, columns = np.nonzero(product > correlation_min)
            found = zip((rows + top).tolist(), (columns + left).tolist(), strict=True)
            pairs += [(i, j) for i, j in found if i < j]
    return pairs
