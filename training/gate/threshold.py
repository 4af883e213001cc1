"""From which share of the accepted kind on an image passes the gate: decided on val."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Half, because the films of val come from the hospitals whose films were learned from, and those of others are less
# like them: a threshold as high as val allows would refuse too many of these.
THRESHOLD = 0.5
REFUSED_ON_VAL_MAX = 0.01


def choose_threshold(shares: dict[str, NDArray[np.float32]]) -> tuple[float, str]:
    """THRESHOLD, or less where that would refuse more than REFUSED_ON_VAL_MAX of the films of one cohort."""
    bearable = [float(np.sort(one)[int(REFUSED_ON_VAL_MAX * len(one))]) for one in shares.values()]
    threshold = min([THRESHOLD, *(np.floor(1e4 * one) / 1e4 for one in bearable)])
    refused = ", ".join(f"{int((one < threshold).sum())} of {len(one)} of {name}" for name, one in shares.items())
    rule = f"half, or less where half would refuse more than {REFUSED_ON_VAL_MAX:.0%} of a cohort's val films"
    return float(threshold), f"{rule}; refused there: {refused}"
