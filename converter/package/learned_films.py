"""learned.bin of a package: which films its weights, calibration and thresholds came from, as digests of their pixels.

Whoever judges the package on films of their own learns whether it knew them. A digest tells nothing of a film, but who
has the film can tell that it was among them. No patient is in here: patient numbers are few enough to be guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from pydantic import Field

from converter.package.section import PackageSection, Sha256

FILE = "learned.bin"
DIGEST_BYTES = 8
FILMS_MAX = 1_000_000
BYTES_MAX = FILMS_MAX * DIGEST_BYTES


class LearnedFilms(PackageSection):
    """The file beside manifest.yaml: so many digests (converter.image.film_digest) of 8 bytes each, sorted."""

    films: int = Field(ge=1, le=FILMS_MAX)
    sha256: Sha256


def packed(digests: Iterable[int]) -> bytes:
    """The content of learned.bin; each digest once."""
    return np.array(sorted({*digests}), dtype=">u8").tobytes()


def section_of(content: bytes) -> LearnedFilms:
    """What a manifest says of `content`. Raises ValueError for more than FILMS_MAX films, or none."""
    return LearnedFilms(films=len(content) // DIGEST_BYTES, sha256=hashlib.sha256(content).hexdigest())


def unpacked(content: bytes, section: LearnedFilms) -> frozenset[int]:
    """The digests. Raises ValueError where `content` is not the file that `section` means."""
    if hashlib.sha256(content).hexdigest() != section.sha256 or len(content) != section.films * DIGEST_BYTES:
        raise ValueError(f"not the {section.films} digests that the manifest means")
    return frozenset(np.frombuffer(content, dtype=">u8").tolist())
