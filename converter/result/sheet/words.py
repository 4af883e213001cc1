"""The words of the one-page report that are its own, in the language of whoever reads it; what the report says itself
(findings, places, reasons) stays as it was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from converter.result.sheet.records import ReportSheet, SheetFilm, SheetFinding, SheetModel, SheetSubject, Verdict

VERDICTS: dict[Verdict, str] = {"present": "PRESENT", "absent": "ABSENT", "not analysed": "NOT ANALYSED"}
FLAGS = "AI research result: preliminary, verified by no physician."
RESEARCH = "Research use only. Not for diagnosis."
# By the priority that a report suggests; one that stays as it is, is not told.
PRIORITIES = {"raised": "Suggested priority: raised"}
# Each label in English, which is its key in the captions of a language.
LABELS = (
    *VERDICTS.values(),
    *PRIORITIES.values(),
    FLAGS,
    RESEARCH,
    "{analysed} of {received} films analysed",
    "1 film analysed",
    "1 film, not analysed",
    "Also present",
    "Patient",
    "Patient ID",
    "Born, sex",
    "Study",
    "Accession number",
    "Report made",
    "Finding",
    "Probability",
    "Present from",
    "Verdict",
    "Assumed",
    "Not analysed",
    "Remarks",
    "Model and limits",
    "Model",
    "Version",
    "Threshold",
    "Calibration",
    "Input",
    "Intended use",
    "All content items of the report",
    "Heat map of {finding}, {film}",
    "Film {film}",
)
# Of the PDF, which is in English.
WRITING = "The name is shown in the writings that the fonts of this document have."


@dataclass(frozen=True)
class SheetWords:
    """Labels in one language; a label that has no translation is shown in English."""

    translated: Mapping[str, str]

    def __call__(self, label: str, /, **values: object) -> str:
        text = self.translated.get(label, label)
        return text.format(**values) if values else text


ENGLISH = SheetWords({})
Say = Callable[..., str]


def verdict_of(sheet: ReportSheet) -> Verdict:
    highest = sheet.highest
    return "not analysed" if highest is None else highest[1].verdict


def headline(sheet: ReportSheet, say: Say) -> tuple[str, str]:
    """The first line in two parts: the highest finding with its percentage, and how many films were analysed."""
    highest = sheet.highest
    told = "" if highest is None else f"{highest[1].name} {highest[1].percent} %"
    analysed, received = len(sheet.films), sheet.films_received
    if received == 1:
        return told, say("1 film analysed" if analysed else "1 film, not analysed")
    return told, say("{analysed} of {received} films analysed", analysed=analysed, received=received)


def title_of(sheet: ReportSheet, say: Say) -> str:
    told, films = headline(sheet, say)
    return f"{told + ' ' if told else ''}{say(VERDICTS[verdict_of(sheet)])}, {films}"


def second_line(sheet: ReportSheet, say: Say) -> Iterator[str]:
    """Where the highest finding is, what else is present, and how urgent that is."""
    highest = sheet.highest
    if highest is not None and highest[1].present:
        yield ": ".join(filter(None, (highest[0].name, "; ".join(highest[1].where))))
    others = [f"{finding.name} {finding.percent} % ({film.name})" for film, finding in sheet.also_present]
    if others:
        yield f"{say('Also present')}: {', '.join(others)}"
    if sheet.priority in PRIORITIES:
        yield say(PRIORITIES[sheet.priority])


def subject_facts(subject: SheetSubject, say: Say) -> list[tuple[str, str]]:
    """What stands below the first line, beside the name."""
    return [
        (say("Patient ID"), subject.patient_id),
        (say("Born, sex"), ", ".join(filter(None, (subject.birth_date, subject.sex)))),
        (say("Study"), " ".join(filter(None, (subject.study_date, subject.study_description)))),
        (say("Accession number"), subject.accession_number),
        (say("Report made"), ", ".join(filter(None, (subject.made_at, subject.made_by)))),
    ]


def model_facts(model: SheetModel, say: Say) -> list[tuple[str, str]]:
    """What stands at the foot. The hash of the weights is shortened as `hilum models` shortens it."""
    percents = list(dict.fromkeys(percent for _, percent in model.thresholds if percent))
    thresholds = ", ".join(f"{name} {percent} %" for name, percent in model.thresholds if percent)
    if len(percents) == 1:
        thresholds = f"{percents[0]} %"
    weights = f" (sha256 {model.weights_sha256[:12]}…)" if model.weights_sha256 else ""
    return [
        (say("Model"), model.name),
        (say("Version"), f"{model.version}{weights}"),
        (say("Threshold"), thresholds),
        (say("Calibration"), model.calibration),
        (say("Input"), model.preprocessing),
        (say("Intended use"), model.intended_use),
    ]


def listed(film: SheetFilm) -> list[SheetFinding]:
    """The findings of a film, what is present first."""
    return sorted(film.findings, key=lambda one: one.prominence, reverse=True)
