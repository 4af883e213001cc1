"""Reads a Structured Report (TID 1500) as the one-page report tells it.

The page is made of the report that is sent and of nothing beside it, so that the two cannot differ. Reports of earlier
versions, which archives keep, are read by the same functions: what they lack stays empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from pydicom import Dataset
from pydicom.sr.coding import Code

from converter.result import coding
from converter.result.content_items import children, descendants, is_named, value_in_words
from converter.result.sheet.records import Refusal, ReportSheet, SheetFilm, SheetFinding, SheetModel
from converter.result.sheet.subject import subject_of

UNNAMED = "image"
_DECLINED = re.compile(r"(?:Not analysed )?\[(?P<code>[a-z0-9-]+)\]: (?P<reason>.*)", re.DOTALL)
_BRACKETS = re.compile(r"(?P<text>.*) \((?P<film>[^()]+)\)", re.DOTALL)
_PRIORITY = re.compile(r"\. Priority: (?P<priority>[a-z]+)\. ")
_NOTICE = "Research use only"
_INTENDED_USE = " Intended use: "
_THRESHOLD, _CALIBRATION, _PREPROCESSING = "operating threshold: ", "calibration: ", "preprocessing: "


def read_report(sr: Dataset, names: Mapping[str, str] | None = None) -> ReportSheet:
    """The report `sr`. `names`: what films are called, by SOP Instance UID, where the caller has their headers; a
    report of an earlier version numbers them by their place in it."""
    names = names or {}
    groups = [item for item in descendants(sr) if is_named(item, coding.MEASUREMENT_GROUP)]
    images = _library(sr)
    notice, remarks = _remarks(sr)
    notice, _, intended_use = notice.partition(_INTENDED_USE)
    return ReportSheet(
        subject=subject_of(sr),
        films=tuple(_films(groups, images, dict(_notes(sr, names)), names)),
        refusals=tuple(_refusals(sr, names)),
        model=_model(groups, intended_use) or _model_in_header(sr, intended_use),
        notice=notice,
        remarks=tuple(remarks),
        priority=_priority(sr),
    )


def made_at(sr: Dataset) -> datetime:
    """Content Date and Time in the zone that the report declares (PS3.3 C.12.1.1.8), else in that of this machine.
    Raises ValueError where they are no time."""
    stated = f"{sr.get('ContentDate') or ''}{str(sr.get('ContentTime') or '')[:6]}"
    offset = str(sr.get("TimezoneOffsetFromUTC") or "")
    moment = datetime.strptime(f"{stated}{offset}", f"%Y%m%d%H%M%S{'%z' if offset else ''}")  # noqa: DTZ007
    return moment.astimezone()


def _library(sr: Dataset) -> set[str]:
    """SOP Instance UIDs of the images that the report speaks of."""
    libraries = (item for item in children(sr) if is_named(item, coding.IMAGE_LIBRARY))
    return {uid for library in libraries for item in descendants(library) for uid in _references(item)}


def _films(
    groups: Iterable[Dataset], images: set[str], notes: Mapping[str, tuple[str, ...]], names: Mapping[str, str]
) -> Iterator[SheetFilm]:
    """In the order of the report. Groups of one finding on one film, a region each, are one finding."""
    found: dict[str, dict[tuple[str, str], SheetFinding]] = {}
    called: dict[str, str] = {}
    for group in groups:
        finding = _finding(group)
        uid = next((uid for item in descendants(group) for uid in _references(item) if uid in images), "")
        identifier = _values(group, coding.TRACKING_IDENTIFIER)
        film = uid or identifier
        key = (finding.code, finding.name)
        if not finding.percent and key not in found.get(film, {}):
            continue  # a region of nothing that is told
        called.setdefault(film, names.get(uid) or _film_in(identifier, finding.name))
        of_film = found.setdefault(film, {})
        of_film[key] = _together(of_film[key], finding) if key in of_film else finding
    for film, findings in found.items():
        yield SheetFilm(film, called[film], tuple(findings.values()), notes.get(film, ()))


def _film_in(identifier: str, finding: str) -> str:
    """The film's name in a tracking identifier: "Pneumonia, AP 1" or "Pneumonia, AP 1, region 2"."""
    parts = [part for part in identifier.removeprefix(finding).split(", ") if part and not part.startswith("region ")]
    return parts[0] if parts else UNNAMED


def _comments(items: Iterable[Dataset]) -> Iterator[str]:
    return (value_in_words(item) for item in items if is_named(item, coding.COMMENT))


def _together(first: SheetFinding, second: SheetFinding) -> SheetFinding:
    """A group without a probability is of a region, whose place the finding's own group may have said already."""
    if not second.percent:
        return replace(first, where=first.where or second.where)
    return replace(
        max(first, second, key=lambda one: one.prominence),
        where=tuple(dict.fromkeys((*first.where, *second.where))),
        heatmap_uids=tuple(dict.fromkeys((*first.heatmap_uids, *second.heatmap_uids))),
    )


def _finding(group: Dataset) -> SheetFinding:
    items = children(group)
    concept = next((item.ConceptCodeSequence[0] for item in items if is_named(item, coding.FINDING)), None)
    probability = _values(group, coding.PROBABILITY).removesuffix("%").strip()
    decisions = {_code_value(code) for item in items for code in item.get("ConceptCodeSequence") or ()}
    shown = (item for item in items if is_named(item, coding.ILLUSTRATION_OF_ROI))
    name = coding.FINDING.meaning if concept is None else str(concept.get("CodeMeaning", ""))
    return SheetFinding(
        name=name,
        code="" if concept is None else f"{_code_value(concept)} ({concept.get('CodingSchemeDesignator', '')})",
        percent=probability,
        threshold=_parameter(group, _THRESHOLD).removesuffix("%").strip(),
        present=coding.PRESENT.value in decisions,
        where=tuple(text for text in _comments(items) if not text.startswith((f"{name} PRESENT ", f"{name} ABSENT "))),
        heatmap_uids=tuple(uid for item in shown for uid in _references(item)),
    )


def _code_value(code: Dataset) -> str:
    """A code of more than 16 characters has another attribute (PS3.3 8.8)."""
    return str(code.get("CodeValue") or code.get("LongCodeValue") or code.get("URNCodeValue") or "")


def _model(groups: list[Dataset], intended_use: str) -> SheetModel | None:
    """The algorithm of the groups, which is one for the whole report; None where nothing was analysed."""
    groups = [group for group in groups if _values(group, coding.ALGORITHM_NAME)]
    if not groups:
        return None
    version, _, weights = _values(groups[0], coding.ALGORITHM_VERSION).partition("+sha256.")
    findings = [_finding(group) for group in groups]
    calibrations = dict.fromkeys(_parameter(group, _CALIBRATION) for group in groups)
    return SheetModel(
        name=_values(groups[0], coding.ALGORITHM_NAME),
        version=version,
        weights_sha256=weights,
        thresholds=tuple({finding.name: finding.threshold for finding in findings}.items()),
        calibration="; ".join(filter(None, calibrations)),
        preprocessing=_parameter(groups[0], _PREPROCESSING),
        intended_use=intended_use,
    )


def _model_in_header(sr: Dataset, intended_use: str) -> SheetModel | None:
    """Where nothing was analysed, what the equipment says: name and version in one (see `origin` in provenance)."""
    stated = sr.get("SoftwareVersions") or ()
    versions = [str(one) for one in ([stated] if isinstance(stated, str) else stated)]
    if not versions:
        return None
    name, _, version = versions[0].rpartition(" ")
    return SheetModel(name or version, version if name else "", "", (), "", "", intended_use)


def _parameter(group: Dataset, name: str) -> str:
    """The value of an algorithm parameter (TID 4019), which says its name itself."""
    texts = (value_in_words(item) for item in children(group) if is_named(item, coding.ALGORITHM_PARAMETERS))
    return next((text.removeprefix(name) for text in texts if text.startswith(name)), "")


def _values(group: Dataset, concept: Code) -> str:
    return next((value_in_words(item) for item in children(group) if is_named(item, concept)), "")


def _refusals(sr: Dataset, names: Mapping[str, str]) -> Iterator[Refusal]:
    for item in descendants(sr):
        if is_named(item, coding.SUMMARY_OF_ANALYSES) and children(item):
            below = children(item)
            uid = next((uid for child in below for uid in _references(child)), "")
            text, film = _of_film(sr, " ".join(_comments(below)), names.get(uid))
            told = _DECLINED.fullmatch(text)
            yield Refusal(uid, film or UNNAMED, told["code"] if told else "", told["reason"] if told else text)


def _notes(sr: Dataset, names: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Comments on one image each: by its SOP Instance UID."""
    found: dict[str, list[str]] = {}
    for item in _evaluations(sr):
        if is_named(item, coding.COMMENT):
            for uid in (uid for child in children(item) for uid in _references(child)):
                found.setdefault(uid, []).append(_of_film(sr, value_in_words(item), names.get(uid))[0])
    for uid, notes in found.items():
        yield uid, tuple(notes)


def _of_film(sr: Dataset, text: str, name: str | None) -> tuple[str, str | None]:
    """A remark on one film and the film's name, which reports with a summary have in brackets behind the remark."""
    is_told = any(is_named(item, coding.SUMMARY) for item in _evaluations(sr))
    found = _BRACKETS.fullmatch(text) if is_told else None
    return (found["text"], name or found["film"]) if found else (text, name)


def _remarks(sr: Dataset) -> tuple[str, list[str]]:
    """The notice that the report is for research, and the other comments on the report as a whole."""
    whole = [item for item in _evaluations(sr) if is_named(item, coding.COMMENT) and not children(item)]
    texts = [value_in_words(item) for item in whole]
    notice = next((text for text in texts if text.startswith(_NOTICE)), "")
    return notice, [text for text in texts if text != notice]


def _priority(sr: Dataset) -> str:
    """As the line on the whole study words it (see `StudyStatement`)."""
    lines = (value_in_words(item) for item in _evaluations(sr) if is_named(item, coding.SUMMARY))
    told = next((found for line in lines if (found := _PRIORITY.search(line))), None)
    return told["priority"] if told else ""


def _evaluations(sr: Dataset) -> Iterator[Dataset]:
    for item in children(sr):
        if is_named(item, coding.QUALITATIVE_EVALUATIONS):
            yield from children(item)


def _references(item: Dataset) -> Iterator[str]:
    for reference in item.get("ReferencedSOPSequence") or ():
        yield str(reference.ReferencedSOPInstanceUID)
