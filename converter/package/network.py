"""What goes into the network and what comes out of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from converter.package.section import PackageSection


class Normalisation(PackageSection):
    """How gray values 0..1 become network input, by name and numbers.

    `centre-standardise`: subtract the mean and divide by (standard deviation + epsilon) of the central part of the
    image (each border of `margin` times the side left out), then clip to [-clip, clip].
    `centre-rank`: the share of the central part that is darker, stretched to mean 0 and standard deviation 1; the same
    for every exposure, window and gamma of a film (its histogram is made flat).
    `scale`: (x - mean) / std.
    """

    name: Literal["centre-standardise", "centre-rank", "scale"]
    margin: float = Field(0.125, ge=0, lt=0.5)
    epsilon: float = Field(1e-3, gt=0)
    clip: float = Field(3.0, gt=0)
    mean: float = 0.0
    std: float = Field(1.0, gt=0)


class InputSpec(PackageSection):
    """The network's input: the whole image, squashed to height x width by area averaging (aspect is not kept, so
    that neither size nor aspect can leak a label), one channel, float32."""

    name: str = "image"
    height: int = Field(ge=32, le=2048)
    width: int = Field(ge=32, le=2048)
    layout: Literal["NCHW", "NHWC"]
    normalisation: Normalisation
    jpeg2000_reduced: bool = Field(
        False,
        description="decode JPEG 2000 at a half, a quarter, ... of its size, as long as neither the network's input "
        "nor the preview needs more; only with jpeg2000_evidence",
    )


class OutputSpec(PackageSection):
    """Names of the graph's outputs. `probability` is calibrated, [N, findings] in 0..1. `cam` is the class
    activation map, [N, findings, h, w] (NCHW) or [N, h, w, findings] (NHWC); sigmoid(mean(cam)) = probability."""

    probability: str = "probability"
    cam: str = "cam"
