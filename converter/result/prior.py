"""The earlier analysis of the same patient that a report names, so that a reader can compare."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from converter.result.findings import Finding
from converter.result.verdict import verdict_on
from converter.result.wording import plain


@dataclass(frozen=True)
class PriorAnalysis:
    """finding: the strongest one of that study, one that is present first. reported_on: when its report was made.
    model: NAME@VERSION that judged it."""

    finding: Finding
    reported_on: date
    study_instance_uid: str
    model: str

    @property
    def words(self) -> str:
        """Compared by whoever reads it: a number of another version of the model is told by its version."""
        told = f"{verdict_on(self.finding).line}, {self.reported_on:%Y-%m-%d}, by {self.model}"
        return plain(f"Earlier analysis of this patient on this device: {told} (study {self.study_instance_uid})")
