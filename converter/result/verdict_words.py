"""The sentences of a verdict, for results that say it in words: of a film, and of a report as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from converter.declined import OTHER_PATIENT
from converter.result.findings import AnalysedImage, DeclinedImage, Finding, StudyReport
from converter.result.study_summary import by_weight
from converter.result.verdict import verdict_on
from converter.result.wording import plain, threshold_percent

NOTICE = "Research use only. Not for diagnosis. Output of an algorithm that no physician has verified."


def ordered(image: AnalysedImage) -> tuple[Finding, ...]:
    """Its findings: what is present first, and of these the most probable one."""
    return by_weight([image])[0].findings


def film_sentence(name: str, image: AnalysedImage) -> str:
    """All that is said of one film that was analysed."""
    return f"{name}: {' '.join(map(_finding_sentence, ordered(image)))}"


def not_analysed_sentence(name: str, image: DeclinedImage) -> str:
    return plain(f"{name}: not analysed [{image.declined.code}]: {image.declined.reason}.")


def has_positive(images: Sequence[AnalysedImage]) -> bool:
    return any(finding.positive for image in images for finding in image.findings)


def remarks(report: StudyReport) -> Iterator[str]:
    """What is said of a report as a whole: an earlier study, images that it does not cover, for whom it is not."""
    if report.prior:
        yield report.prior
    if report.left_out:
        count = len(report.left_out)
        images = (
            "1 image of another patient in this study was" if count == 1 else f"{count} images of another patient were"
        )
        yield f"{images} left out [{OTHER_PATIENT}]: {', '.join(report.left_out)}"
    if report.gone:
        count = len(report.gone)
        images = "1 earlier image of this study is" if count == 1 else f"{count} earlier images of this study are"
        yield f"{images} not part of this report, removed from this device by then: {', '.join(report.gone)}"
    yield f"{NOTICE} Intended use: {plain(report.algorithm.intended_use)}"


def _finding_sentence(finding: Finding) -> str:
    place = f", {finding.where}" if finding.positive and finding.where else ""
    return f"{verdict_on(finding).line} (operating threshold {threshold_percent(finding.threshold)} %){place}."
