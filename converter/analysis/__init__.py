"""The one analysis: from a file and a model to judged findings, or to the reason why there are none."""

from converter.analysis.analyse import ANALYSIS, analyse
from converter.analysis.outcome import Analysed, Examined
from converter.analysis.policy import GateMode, Policy
from converter.analysis.ports import Decoder, FileDecoder, ImageScores, Model, StepWatch

__all__ = [
    "ANALYSIS",
    "Analysed",
    "Decoder",
    "Examined",
    "FileDecoder",
    "GateMode",
    "ImageScores",
    "Model",
    "Policy",
    "StepWatch",
    "analyse",
]
