"""The input gate of a model: what it tells apart, how well, and what it says of one image."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from converter.declined import GATE_CODES, Declined
from converter.package.section import Name, PackageSection

GATE_KINDS_MAX = 16


class GateKind(PackageSection):
    """What the gate tells apart. The accepted kind has no code; the others say why such an image is refused."""

    name: Name
    code: str = Field("", max_length=32, description="of the refusal, gate-...; empty for the accepted kind")
    reason: str = Field("", max_length=128, description="the sentence that reports and consoles show")


class GateSource(PackageSection):
    """Pictures that the gate learned from: how many, of what kind, and under which licence they may be used."""

    name: str
    kind: Name
    images: int = Field(ge=1)
    licence: str


class GateFigure(PackageSection):
    """How many images of one source the gate refused, with the 95 % interval of the share (Wilson)."""

    source: str
    kind: Name = Field(description="what the images are: the accepted kind, or one that must be refused")
    images: int = Field(ge=1)
    refused: int = Field(ge=0)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    seen: str = Field("", description="empty when the gate saw nothing of this source; otherwise what of it")

    @model_validator(mode="after")
    def _no_more_than_there_are(self) -> GateFigure:
        if self.refused > self.images:
            raise ValueError("more refused than there are")
        return self


class Gate(PackageSection):
    """An output of the graph that knows what the model must not be asked: [N, kinds], a softmax.

    An image is refused when its value for the first kind is below `threshold`; the reason is the code of the largest
    of the others.
    """

    output: str = "gate"
    kinds: tuple[GateKind, ...] = Field(min_length=2, max_length=GATE_KINDS_MAX)
    threshold: float = Field(gt=0, lt=1)
    threshold_rule: str = Field(description="how the threshold was chosen, and on which split")
    sources: tuple[GateSource, ...] = ()
    measured: tuple[GateFigure, ...] = ()
    limits: tuple[str, ...] = Field((), description="what it must not be relied on for, a sentence each")

    @model_validator(mode="after")
    def _every_refusal_has_a_code_and_a_reason(self) -> Gate:
        accepted, *others = self.kinds
        if accepted.code or accepted.reason:
            raise ValueError("the first kind is the accepted one: it has neither code nor reason")
        for kind in others:
            if kind.code not in GATE_CODES or not kind.reason:
                raise ValueError(f"{kind.name} needs a reason, and a code of {', '.join(GATE_CODES)}")
        names = [kind.name for kind in self.kinds]
        if len(set(names)) != len(names):
            raise ValueError("two kinds have the same name")
        strange = ({one.kind for one in self.sources} | {one.kind for one in self.measured}) - set(names)
        if strange:
            raise ValueError(f"no such kind: {', '.join(sorted(strange))}")
        return self


def refusal(gate: Gate, shares: NDArray[np.float32]) -> Declined | None:
    """`shares` [kinds] is the gate's output for one image; see Gate for the rule."""
    if float(shares[0]) >= gate.threshold:
        return None
    kind = gate.kinds[1 + int(np.argmax(shares[1:]))]
    accepted = gate.kinds[0].name
    share = math.floor(1000 * float(shares[0])) / 1000  # 0.4996 is not to be read as 0.500, below 0.5
    return Declined(kind.code, f"{kind.reason} (input gate: {accepted} {share:.3f}, below {gate.threshold:g})")


def as_note(declined: Declined) -> str:
    """What a result says of an image that the gate would have refused, where a site only wants to be told."""
    return f"the input gate would have refused the image [{declined.code}]: {declined.reason}"
