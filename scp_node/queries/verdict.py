"""What one image says in two words and a number, as whoever uploads a picture wants to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from converter.result.findings import Finding
from converter.result.wording import percent, threshold_percent

NORMAL = "Normal"


@dataclass(frozen=True)
class VerdictInWords:
    """result: `Potentially ` and what may be there, or NORMAL. prediction: how sure the model is of that, in percent
    with four decimals. index: which of the findings it is about, the strongest."""

    result: str
    prediction: str
    index: int


@dataclass(frozen=True)
class FindingInPercent:
    """One judged score, also in percent as results state it: `percent` of the finding, `percent_normal` of its
    absence. place: where in the lungs, as "right lung, lower zone"; empty where that is not known."""

    name: str
    meaning: str
    code: str
    scheme: str
    probability: float
    threshold: float
    positive: bool
    percent: str
    percent_normal: str
    percent_threshold: str
    place: str = ""


def verdict_of(findings: Sequence[Finding]) -> VerdictInWords:
    """The positive findings, or that there is none. A probability may be positive below one half: the threshold
    decides."""
    strongest = max(range(len(findings)), key=lambda n: (findings[n].positive, findings[n].probability))
    named = [finding.concept.meaning for finding in findings if finding.positive]
    probability = findings[strongest].probability
    if not named:
        return VerdictInWords(NORMAL, f"{100 * (1 - probability):.4f}", strongest)
    return VerdictInWords(f"Potentially {', '.join(named)}", f"{100 * probability:.4f}", strongest)


def in_percent(finding: Finding) -> FindingInPercent:
    stated = percent(finding.probability, finding.threshold)
    decimals = len(stated.partition(".")[2])
    return FindingInPercent(
        name=finding.name,
        meaning=finding.concept.meaning,
        code=finding.concept.value,
        scheme=finding.concept.scheme,
        probability=finding.probability,
        threshold=finding.threshold,
        positive=finding.positive,
        percent=stated,
        percent_normal=f"{100 - float(stated):.{decimals}f}",
        percent_threshold=threshold_percent(finding.threshold),
        place="" if finding.place is None else finding.place.words,
    )
