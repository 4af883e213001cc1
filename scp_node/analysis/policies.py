"""How each of those who ask wants an image analysed: the policies of the node, its second models and its commands."""

from __future__ import annotations

from converter.analysis.policy import Policy
from scp_node.settings import Inference, Settings

# What nobody draws a heat map from needs no larger rendering.
SHADOW_PREVIEW_SIDE = 320


def node_policy(settings: Settings) -> Policy:
    """What the configuration says: the image job, and whoever repeats what it did."""
    return Policy(settings.inference.gate, settings.report.heatmap_side_max, settings.inference.pixels_max)


def shadow_policy(settings: Settings) -> Policy:
    """A second model is compared with the first one: its gate refuses, or is not asked."""
    gate = settings.inference.gate
    return Policy("refuse" if gate == "refuse" else "off", SHADOW_PREVIEW_SIDE, settings.inference.pixels_max)


def command_policy(preview_side_max: int, use_gate: bool = True) -> Policy:
    """`hilum predict` and `hilum evaluate`, which need no configuration."""
    return Policy("refuse" if use_gate else "off", preview_side_max, Inference().pixels_max)
