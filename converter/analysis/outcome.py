"""What comes of an image: an analysis or a refusal, and what is known of the image in either case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.image.convert import Converted
from converter.result.findings import Finding


@dataclass(frozen=True)
class Analysed:
    """findings in the manifest's order, a positive one with its region of attention; cam: float32 [findings, h, w] in
    logit units, drawn over `converted.preview`; provider: the hardware that computed it; lungs: float32 [h, w], the
    share of lung in each cell of the whole film, where the model found lungs."""

    findings: tuple[Finding, ...]
    cam: NDArray[np.float32]
    converted: Converted
    provider: str
    lungs: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Examined:
    """outcome: the analysis, or why there is none. notes: what was assumed on the way, without patient data.
    converted: the image as the model saw it, also where the gate refused it. gate: what the gate refused, or else the
    outline of the lungs, whatever the policy made of it. failure: why the file could not be decoded, where `outcome` is
    `undecodable`."""

    outcome: Analysed | Declined
    notes: tuple[str, ...] = ()
    converted: Converted | None = None
    gate: Declined | None = None
    failure: Exception | None = None

    @property
    def analysed(self) -> Analysed | None:
        return self.outcome if isinstance(self.outcome, Analysed) else None

    @property
    def declined(self) -> Declined | None:
        return self.outcome if isinstance(self.outcome, Declined) else None
