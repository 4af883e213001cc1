"""The judgement of one image by the scores of the node's inference; the rules themselves are in converter.result."""

from __future__ import annotations

from converter.declined import Declined
from converter.package.manifest import Manifest
from converter.result.judge import judge, refused_by_gate
from scp_node.inference.scores import Scores

__all__ = ["gate_refusal", "judge"]


def gate_refusal(manifest: Manifest, scores: Scores) -> Declined | None:
    """Why the model's input gate refuses the one image of `scores`; None when it does not, or when there is no gate."""
    return refused_by_gate(manifest, None if scores.gate is None else scores.gate[0])
