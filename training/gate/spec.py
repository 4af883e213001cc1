"""What the gate's network takes: 64 x 64 gray values, standardised as the finding networks' input is."""

from __future__ import annotations

from converter.package.network import InputSpec, Normalisation

SIDE = 64
# As Keras computes it on a CPU, and as the exported graph takes it.
GATE_INPUT = InputSpec(
    name="gate_input",
    height=SIDE,
    width=SIDE,
    layout="NHWC",
    normalisation=Normalisation(name="centre-standardise"),
)
GRAPH_INPUT: InputSpec = GATE_INPUT.model_copy(update={"layout": "NCHW"})
