"""What the input gate of a model says of one image: a coded refusal, or nothing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.package.manifest import Gate


def refusal(gate: Gate, shares: NDArray[np.float32]) -> Declined | None:
    """`shares` [kinds] is the gate's output for one image; see converter.package.manifest.Gate for the rule."""
    if float(shares[0]) >= gate.threshold:
        return None
    kind = gate.kinds[1 + int(np.argmax(shares[1:]))]
    accepted = gate.kinds[0].name
    share = math.floor(1000 * float(shares[0])) / 1000  # 0.4996 is not to be read as 0.500, below 0.5
    return Declined(kind.code, f"{kind.reason} (input gate: {accepted} {share:.3f}, below {gate.threshold:g})")


def as_note(declined: Declined) -> str:
    """What a result says of an image that the gate would have refused, where a site only wants to be told."""
    return f"the input gate would have refused the image [{declined.code}]: {declined.reason}"
