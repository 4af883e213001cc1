"""What the one-page report says, in the language of whoever reads it. Known findings and places of the report are
translated, all else that it says stays as it was sent."""

from __future__ import annotations

from collections.abc import Iterator

from converter.result.labels import ABSENT, NOT_ANALYSED, PRESENT, RAISED, RESEARCH
from converter.result.not_analysed import analysed_count
from converter.result.sheet.records import ReportSheet, SheetFilm, SheetFinding, SheetModel, SheetSubject, Verdict
from converter.result.unplaced import NOT_PLACED
from converter.words.catalogue import Say

VERDICTS: dict[Verdict, str] = {"present": PRESENT, "absent": ABSENT, "not analysed": NOT_ANALYSED}
# By the priority that a report suggests; one that stays as it is, is not told.
PRIORITIES = {"raised": RAISED}


def verdict_of(sheet: ReportSheet) -> Verdict:
    highest = sheet.highest
    return "not analysed" if highest is None else highest[1].verdict


def headline(sheet: ReportSheet, say: Say) -> tuple[str, str]:
    """The first line in two parts: the highest finding with its percentage, and how many films were analysed."""
    highest = sheet.highest
    told = "" if highest is None else f"{say(highest[1].name)} {highest[1].percent} %"
    return told, analysed_count(len(sheet.films), sheet.films_received, say)


def title_of(sheet: ReportSheet, say: Say) -> str:
    told, films = headline(sheet, say)
    return f"{told + ' ' if told else ''}{say(VERDICTS[verdict_of(sheet)])}, {films}"


def second_line(sheet: ReportSheet, say: Say) -> Iterator[str]:
    """Where the highest finding is, what else is present, and how urgent that is."""
    highest = sheet.highest
    if highest is not None and highest[1].present:
        yield ": ".join(filter(None, (highest[0].name, places(highest[1], say))))
    others = [f"{say(finding.name)} {finding.percent} % ({film.name})" for film, finding in sheet.also_present]
    if others:
        yield f"{say('Also present')}: {', '.join(others)}"
    if sheet.priority in PRIORITIES:
        yield say(PRIORITIES[sheet.priority])


def notice(sheet: ReportSheet, say: Say) -> str:
    """That the report is for research: as it was sent to those who read English."""
    translated = say(RESEARCH)
    return sheet.notice or RESEARCH if translated == RESEARCH else translated


def place(where: str, say: Say) -> str:
    """One place of a finding, or why it has none, phrase by phrase."""
    reason = where.removeprefix(f"{NOT_PLACED}: ")
    if reason != where:
        return f"{say(NOT_PLACED)}: {say(reason)}"
    return "; ".join(", ".join(map(say, one.split(", "))) for one in where.split("; "))


def places(finding: SheetFinding, say: Say) -> str:
    return "; ".join(place(one, say) for one in finding.where)


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
    thresholds = ", ".join(f"{say(name)} {percent} %" for name, percent in model.thresholds if percent)
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
