"""What a report says of a study as a whole: the highest finding, a priority, how many films were analysed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from converter.result.film_names import film_names
from converter.result.findings import AnalysedImage, Finding, StudyReport
from converter.result.not_analysed import NamedReason, analysed_count, named_reasons
from converter.result.verdict import verdict_on
from converter.result.wording import plain

# A priority is raised or stays as it is: no result lowers the one that a request came with.
PRIORITIES = {True: "raised", False: "unchanged"}
NAMES_MAX = 5


@dataclass(frozen=True)
class StudyStatement:
    """`highest`: the strongest of the findings that are present, else of all, None where nothing was analysed; `film`:
    its name. `not_analysed`: the others of `total` films, each with the reason."""

    highest: Finding | None
    film: str
    total: int
    not_analysed: tuple[NamedReason, ...]

    @classmethod
    def of(cls, report: StudyReport) -> StudyStatement:
        names = film_names(report.sources)
        ranked = by_weight(report.images)
        first = next((image for image in ranked if image.findings), None)
        declined = named_reasons(
            report.sources, {str(image.source.SOPInstanceUID): image.declined for image in report.declined}
        )
        if first is None:
            return cls(None, "", len(report.sources), declined)
        return cls(first.findings[0], names[str(first.source.SOPInstanceUID)], len(report.sources), declined)

    @property
    def priority(self) -> str:
        return PRIORITIES[self.highest is not None and self.highest.positive]

    @property
    def text(self) -> str:
        """ "Pneumonia PRESENT 96.4 % on AP 1. Priority: raised. 1 of 2 films analysed." """
        finding = "No verdict" if self.highest is None else f"{verdict_on(self.highest).line} on {self.film}"
        count = analysed_count(self.total - len(self.not_analysed), self.total)
        return plain(f"{finding}. Priority: {self.priority}. {count}{self._reasons}.")

    @property
    def _reasons(self) -> str:
        if not self.not_analysed:
            return ""
        told = ", ".join(f"{name} ({reason})" for name, reason in self.not_analysed[:NAMES_MAX])
        more = len(self.not_analysed) - NAMES_MAX
        lead = "" if self.total == 1 else ", not analysed"
        return f"{lead}: {told}{f' and {more} more' if more > 0 else ''}"


def by_weight(images: Sequence[AnalysedImage]) -> list[AnalysedImage]:
    """The films and the findings of each with what is present first, the most probable first of all: a viewer that
    opens a report shows the film of its first group."""
    ranked = [AnalysedImage(image.source, tuple(sorted(image.findings, key=_weight)), image.notes) for image in images]
    return sorted(ranked, key=lambda image: min(map(_weight, image.findings), default=(True, 0.0)))


def _weight(finding: Finding) -> tuple[bool, float]:
    return not finding.positive, -finding.probability
