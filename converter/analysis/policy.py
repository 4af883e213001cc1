"""What whoever asks for an analysis may choose. The answer depends on file, model and policy, and on nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GateMode = Literal["refuse", "note", "off"]


@dataclass(frozen=True)
class Policy:
    """gate: what becomes of an image that the model's input gate takes for something else (see `inference.gate`).
    preview_side_max: longest side of the rendering that plausibility, regions and heat maps are drawn from, in pixels.
    pixels_max: largest Rows x Columns x Frames that is decoded. header_rules: whether the header must fit the model's
    intended use; a published cohort is what its publication says it is."""

    gate: GateMode
    preview_side_max: int
    pixels_max: int
    header_rules: bool = True
