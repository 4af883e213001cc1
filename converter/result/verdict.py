"""The verdict on a finding, as every result says it."""

from __future__ import annotations

from dataclasses import dataclass

from converter.result.findings import Finding
from converter.result.labels import ABSENT, PRESENT
from converter.result.wording import percent, plain
from converter.words.catalogue import ENGLISH, Say

NAME_MAX = 64


@dataclass(frozen=True)
class FindingVerdict:
    """finding: its name; call: whether it is present, in capitals; percent: its probability."""

    finding: str
    call: str
    percent: str

    @property
    def line(self) -> str:
        """What a viewer shows beside a finding: "Pneumonia PRESENT 96.4 %"."""
        return f"{self.finding} {self.call} {self.percent} %"


def verdict_on(finding: Finding, say: Say = ENGLISH) -> FindingVerdict:
    """In English of printable ASCII, which every Specific Character Set contains."""
    name = finding.concept.meaning
    return FindingVerdict(
        (plain(name) if say is ENGLISH else say(name))[:NAME_MAX],
        say(PRESENT if finding.positive else ABSENT),
        percent(finding.probability, finding.threshold),
    )
