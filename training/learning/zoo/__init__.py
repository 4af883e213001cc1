"""Networks: Keras functional models from one gray image to `probability` and its class activation map `cam`.

One module a family; only layers that every backend of Keras has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from converter.package.network import InputSpec
from training.learning.network_shapes import Network
from training.learning.zoo.efficientnet_lite import efficientnet_lite_network
from training.learning.zoo.plain import plain_network
from training.learning.zoo.residual import residual_network

FAMILIES: dict[str, Callable[[Any, InputSpec, int, bool], keras.Model]] = {
    "residual": residual_network,
    "plain": plain_network,
    "efficientnet-lite0": efficientnet_lite_network,
}


def build(network: Network, spec: InputSpec, findings: int, framed: bool = False) -> keras.Model:
    """An untrained network of the family that the recipe names; a `framed` one looks at a frame round the lungs."""
    return FAMILIES[network.family](network, spec, findings, framed)
