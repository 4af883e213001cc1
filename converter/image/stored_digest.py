"""Tells whether two files store the same picture: a digest over stored values, however they were compressed."""

from __future__ import annotations

import hashlib

import numpy as np

from converter.image.decode import StoredFrame


def stored_digest(stored: StoredFrame) -> str:
    """SHA-256 over the stored values of a frame and their layout.

    Bits beyond Bits Stored do not count (older devices kept overlays there), nor does how many bits are allocated.
    """
    layout = stored.layout
    mask = (1 << layout.bits_stored) - 1
    shifted = stored.words >> stored.shift if stored.shift else stored.words
    values = np.ascontiguousarray(np.bitwise_and(shifted, mask), dtype="<u2")
    described = (values.shape, layout.bits_stored, layout.signed, layout.frames, stored.photometric)
    digest = hashlib.sha256(repr(described).encode())
    digest.update(values.data)
    return digest.hexdigest()
