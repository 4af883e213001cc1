"""Tells whether two films are the same picture, whatever file they came in: a digest of what a reader is shown."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from converter.package.learned_films import DIGEST_BYTES

# The preview that is digested has this long side at most: everybody who compares digests makes it so.
DIGEST_SIDE = 512


def film_digest(preview: NDArray[np.uint8]) -> int:
    """64 bits of the SHA-256 of a preview (uint8 [rows, columns], long side at most DIGEST_SIDE).

    The same film as DICOM, PNG or JPEG gives the same where the gray values are the same; a film that was cropped,
    windowed otherwise or compressed with losses gives another.
    """
    digest = hashlib.sha256(repr(preview.shape).encode())
    digest.update(np.ascontiguousarray(preview, dtype=np.uint8).data)
    return int.from_bytes(digest.digest()[:DIGEST_BYTES], "big")
