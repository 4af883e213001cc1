"""Own images that hold the same pixels: one label, one split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

from training.data.cohorts import Example
from training.data.images import load_film_digests


def check_same_pictures(examples: Sequence[Example]) -> None:
    """End the program where two files of the same pixels have two labels, or two splits that somebody stated.

    Copies without a split are no fault: they are divided together (training.data.near_duplicates).
    """
    alike: dict[int, list[Example]] = defaultdict(list)
    for example, digest in zip(examples, load_film_digests(examples).tolist(), strict=True):
        alike[digest].append(example)
    for group in alike.values():
        for first, other in combinations(group, 2):
            pair = f"{first.path} and {other.path} hold the same picture"
            if other.findings != first.findings:
                raise SystemExit(f"{pair}, labelled {first.label} and {other.label}: keep the one that is right")
            if first.split and other.split and first.split != other.split:
                raise SystemExit(
                    f"{pair}, stated to be in {first.split} and in {other.split}: what is measured would be learned "
                    "from. Remove one, or state one split"
                )


def copies(examples: Sequence[Example]) -> int:
    """How many of `examples` repeat the pixels of an earlier one."""
    digests = load_film_digests(examples).tolist()
    return len(digests) - len(set(digests))
