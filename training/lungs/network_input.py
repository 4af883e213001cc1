"""What the network that outlines lungs takes and gives."""

from __future__ import annotations

from converter.package.network import InputSpec, Normalisation

SIDE, MASK_SIDE = 128, 64
# As Keras computes it on a CPU, and as the exported graph takes it.
LUNG_INPUT = InputSpec(
    name="lung_input", height=SIDE, width=SIDE, layout="NHWC", normalisation=Normalisation(name="centre-standardise")
)
GRAPH_INPUT: InputSpec = LUNG_INPUT.model_copy(update={"layout": "NCHW"})
