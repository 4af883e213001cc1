"""A Structured Report as one HTML page for a person to read or print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from pydicom import Dataset

from converter.page import markup
from converter.page.document import html_document
from converter.result import coding
from converter.result.content_items import children, descendants, is_named, name_in_words, value_in_words

PNG_DATA_URL = "data:image/png;base64,"
# What is said of a finding beside its name, its probability and the decision.
DETAILS = (
    coding.ALGORITHM_NAME,
    coding.ALGORITHM_VERSION,
    coding.ALGORITHM_PARAMETERS,
    coding.MEASUREMENT_METHOD,
    coding.IMAGE_REGION,
)


def sr_to_html(sr: Dataset, heatmap_png: Mapping[str, str] | None = None) -> str:
    """The report `sr` (TID 1500) as a page; every value from the report is escaped.

    `heatmap_png`: SOP Instance UID of a heat map to its picture as a "data:image/png;base64,..." URL.
    """
    pictures = dict(heatmap_png or {})
    for uid, url in pictures.items():
        if not url.startswith(PNG_DATA_URL):
            raise ValueError(f"the picture of heat map {uid} is no {PNG_DATA_URL} URL")
    title = _text(sr, "SeriesDescription") or name_in_words(sr)
    kind = f'<p class="soft">{escape(name_in_words(sr))}, {escape(_flags(sr))}</p>'
    parts = (
        markup.header(title, kind, notice=_comments(sr)),
        markup.section("Patient and study", markup.facts(_patient_and_study(sr))),
        *(_finding(group, pictures) for group in descendants(sr) if _is_of_finding(group)),
        _listed("Images that were not analysed", _not_analysed(sr)),
        _listed("Assumptions", _notes(sr)),
        f'<details><summary>All content items</summary><div class="tree">{_tree(sr)}</div></details>',
        f'<footer class="soft">SOP Instance UID {escape(_text(sr, "SOPInstanceUID"))}<br>'
        f"Study Instance UID {escape(_text(sr, 'StudyInstanceUID'))}</footer>",
    )
    return html_document(title, parts)


def _patient_and_study(sr: Dataset) -> list[tuple[str, str]]:
    return [
        ("Patient", _name(sr)),
        ("Patient ID", ", ".join(filter(None, (_text(sr, "PatientID"), _text(sr, "IssuerOfPatientID"))))),
        ("Born, sex", ", ".join(filter(None, (_date(_text(sr, "PatientBirthDate")), _text(sr, "PatientSex"))))),
        ("Study", f"{_date(_text(sr, 'StudyDate'))} {_text(sr, 'StudyDescription')}".strip()),
        ("Accession number", _text(sr, "AccessionNumber")),
        ("Report made", f"{_date(_text(sr, 'ContentDate'))} {_time(_text(sr, 'ContentTime'))}".strip()),
        ("Made by", f"{_text(sr, 'Manufacturer')}, {_text(sr, 'StationName')}".strip(", ")),
    ]


def _name(sr: Dataset) -> str:
    """The name in its alphabetic, ideographic and phonetic writing, as far as they are there."""
    writings = str(sr.get("PatientName") or "").replace("^", " ").split("=")
    first, *others = [" ".join(writing.split()) for writing in writings if writing.strip()] or [""]
    return f"{first} ({', '.join(others)})" if others else first


def _is_of_finding(item: Dataset) -> bool:
    """A group with a probability; those of regions have none."""
    probable = any(is_named(child, coding.PROBABILITY) for child in children(item))
    return is_named(item, coding.MEASUREMENT_GROUP) and probable


def _finding(group: Dataset, pictures: Mapping[str, str]) -> str:
    """A measurement group: what was found, how probable it is, the decision, the heat map, and how it was found."""
    items = children(group)
    finding = next((item for item in items if is_named(item, coding.FINDING)), None)
    concept = finding.ConceptCodeSequence[0] if finding is not None else None
    name = str(concept.CodeMeaning) if concept is not None else "Finding"
    probability = next((value_in_words(item) for item in items if is_named(item, coding.PROBABILITY)), "")
    where = next((value_in_words(item) for item in items if is_named(item, coding.TRACKING_IDENTIFIER)), "")
    # the first comment is the verdict in words
    place = next((value_in_words(item) for item in [one for one in items if is_named(one, coding.COMMENT)][1:]), "")
    facts = [
        (name_in_words(item), value_in_words(item)) for item in items if any(is_named(item, one) for one in DETAILS)
    ]
    if concept is not None:
        facts.append(("Code", f"{concept.CodeValue} ({concept.CodingSchemeDesignator})"))
    heading = f"{escape(name)} <span>{escape(probability)}</span>{_decision(items)}"
    return (
        f'<section><h2 class="call">{heading}</h2>'
        f"{f'<p>{escape(place)}</p>' if place else ''}"
        f'<p class="soft">{escape(where)}</p>{_heatmaps(items, name, pictures)}{markup.facts(facts)}</section>'
    )


def _decision(items: Iterable[Dataset]) -> str:
    """Present or absent, as a badge."""
    badges = ""
    for item in items:
        value = item.get("ConceptCodeSequence")
        if value and value[0].CodeValue in (coding.PRESENT.value, coding.ABSENT.value):
            kind = "present" if value[0].CodeValue == coding.PRESENT.value else "absent"
            badges += f'<span class="badge {kind}">{escape(str(value[0].CodeMeaning).upper())}</span>'
    return badges


def _heatmaps(items: Iterable[Dataset], name: str, pictures: Mapping[str, str]) -> str:
    shown = ""
    for item in items:
        if is_named(item, coding.ILLUSTRATION_OF_ROI):
            url = pictures.get(str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID))
            shown += f'<div class="heatmap">{markup.picture(url, f"Heat map of {name}")}</div>' if url else ""
    return shown


def _listed(heading: str, entries: Iterable[tuple[str, str]]) -> str:
    """A section with sentences and the images they are about; nothing where there are none."""
    items = "".join(
        f'<li>{escape(words)}<br><span class="code">{escape(image)}</span></li>' for words, image in entries
    )
    return markup.section(heading, f"<ul>{items}</ul>") if items else ""


def _not_analysed(sr: Dataset) -> Iterator[tuple[str, str]]:
    for item in descendants(sr):
        if is_named(item, coding.SUMMARY_OF_ANALYSES):
            below = children(item)
            reason = " ".join(value_in_words(child) for child in below if child.ValueType == "TEXT")
            image = " ".join(value_in_words(child) for child in below if child.ValueType == "IMAGE")
            yield reason or value_in_words(item), image


def _notes(sr: Dataset) -> Iterator[tuple[str, str]]:
    """Comments on one image."""
    for item in _evaluations(sr):
        if is_named(item, coding.COMMENT) and children(item):
            yield value_in_words(item), " ".join(map(value_in_words, children(item)))


def _comments(sr: Dataset) -> list[str]:
    """Comments on the report as a whole."""
    items = (item for item in _evaluations(sr) if is_named(item, coding.COMMENT) and not children(item))
    return [value_in_words(item) for item in items]


def _evaluations(sr: Dataset) -> Iterator[Dataset]:
    for item in children(sr):
        if is_named(item, coding.QUALITATIVE_EVALUATIONS):
            yield from children(item)


def _tree(item: Dataset) -> str:
    rows = "".join(
        f"<li>{escape(name_in_words(child))}: {escape(value_in_words(child))}{_tree(child)}</li>"
        for child in children(item)
    )
    return f"<ul>{rows}</ul>" if rows else ""


def _flags(sr: Dataset) -> str:
    flags = (sr.get(keyword) for keyword in ("PreliminaryFlag", "VerificationFlag", "ContentQualification"))
    return ", ".join(str(flag).lower() for flag in flags if flag)


def _text(ds: Dataset, keyword: str) -> str:
    value = ds.get(keyword)
    return "" if value is None else str(value)


def _date(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:8]}" if len(value) == 8 and value.isdigit() else value


def _time(value: str) -> str:
    return f"{value[:2]}:{value[2:4]}" if value[:4].isdigit() and len(value) >= 4 else value
