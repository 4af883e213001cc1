"""The one analysis: from a file and a model to judged findings, or to the reason why there are none."""

from converter.analysis.analyse import ANALYSIS, analyse
from converter.analysis.outcome import Analysed, Examined
from converter.analysis.policy import GateMode, Policy
from converter.analysis.ports import FileDecoder, ImageDecoder, ImageScores, Model, StepWatch

__all__ = [
    "ANALYSIS",
    "Analysed",
    "Examined",
    "FileDecoder",
    "GateMode",
    "ImageDecoder",
    "ImageScores",
    "Model",
    "Policy",
    "StepWatch",
    "analyse",
]
