"""A Structured Report as one self-contained HTML page for a person to read or print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from pydicom import Dataset
from pydicom.sr.coding import Code

from converter.result import coding

PNG_DATA_URL = "data:image/png;base64,"

_STYLE = """
:root { color-scheme: light; --ink: #16202a; --soft: #5a6876; --line: #d9dfe5; --present: #b45309; --absent: #0f766e }
* { box-sizing: border-box }
body { margin: 0; background: #eef1f4; color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif }
main { max-width: 960px; margin: 0 auto; padding: 28px 24px 48px }
h1 { font-size: 25px; line-height: 1.25; margin: 0 0 4px }
h2 { font-size: 13px; letter-spacing: .06em; text-transform: uppercase; color: var(--soft); margin: 32px 0 10px }
.notice { background: #fff7e6; border: 1px solid #f2c56b; border-left-width: 5px; border-radius: 6px;
  padding: 10px 14px; margin: 16px 0; font-weight: 600; color: #6b4400 }
section.card, table.facts { background: #fff; border: 1px solid var(--line); border-radius: 8px }
section.card { padding: 18px 20px; margin: 0 0 14px; break-inside: avoid }
table.facts { border-collapse: separate; border-spacing: 0; width: 100%; padding: 6px 0 }
.facts th { text-align: left; font-weight: 500; color: var(--soft); width: 12.5em; vertical-align: top }
.facts th, .facts td { padding: 4px 16px; overflow-wrap: anywhere }
section.card .facts { border: 0; margin-top: 10px } section.card .facts th { padding-left: 0 }
.finding { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; font-size: 21px; font-weight: 650 }
.finding .call { font-size: 13px; letter-spacing: .06em; border: 2px solid; border-radius: 4px; padding: 0 9px }
.present { color: var(--present) } .absent { color: var(--absent) }
.where { color: var(--soft) }
img { display: block; max-width: 100%; max-height: 760px; margin: 14px auto 4px; border-radius: 4px }
.code, footer { color: var(--soft); font-size: 12.5px } footer { margin-top: 36px; overflow-wrap: anywhere }
ul { margin: 0; padding-left: 1.2em } li { margin: 4px 0 }
details { margin-top: 28px } summary { cursor: pointer; color: var(--soft) }
.tree ul { list-style: none; padding-left: 1.1em; border-left: 1px solid var(--line) } .tree { font-size: 13px }
@media print { body { background: #fff; font-size: 11pt } main { max-width: none; padding: 0 } details { display: none }
  img { max-height: 15cm } }
"""


def sr_to_html(sr: Dataset, heatmap_png: Mapping[str, str] | None = None) -> str:
    """The report `sr` (TID 1500) as a page; every value from the report is escaped.

    `heatmap_png`: SOP Instance UID of a heat map to its picture as a "data:image/png;base64,..." URL.
    """
    pictures = dict(heatmap_png or {})
    for uid, url in pictures.items():
        if not url.startswith(PNG_DATA_URL):
            raise ValueError(f"the picture of heat map {uid} is no {PNG_DATA_URL} URL")
    title = _text(sr, "SeriesDescription") or _meaning(sr)
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<div class="where">{escape(_meaning(sr))}, {escape(_flags(sr))}</div>',
        *(f'<p class="notice">{escape(text)}</p>' for text in _comments(sr)),
        _facts(_patient_and_study(sr)),
        *_findings(sr, pictures),
        *_not_analysed(sr),
        *_notes(sr),
        f'<details><summary>All content items</summary><div class="tree">{_tree(sr)}</div></details>',
        f"<footer>SOP Instance UID {escape(_text(sr, 'SOPInstanceUID'))}<br>"
        f"Study Instance UID {escape(_text(sr, 'StudyInstanceUID'))}</footer>",
    ]
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n"
        "</html>\n"
    )


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


def _findings(sr: Dataset, pictures: Mapping[str, str]) -> Iterator[str]:
    groups = [item for item in _walk(sr) if _is(item, coding.MEASUREMENT_GROUP)]
    if groups:
        yield "<h2>Findings</h2>"
    for group in groups:
        yield f'<section class="card">{_finding(group, pictures)}</section>'


def _finding(group: Dataset, pictures: Mapping[str, str]) -> str:
    items = list(group.get("ContentSequence") or ())
    finding = next((item for item in items if _is(item, coding.FINDING)), None)
    concept = finding.ConceptCodeSequence[0] if finding is not None else None
    name = str(concept.CodeMeaning) if concept is not None else "Finding"
    probability = next((_value(item) for item in items if _is(item, coding.PROBABILITY)), "")
    html = f'<div class="finding">{escape(name)} <span>{escape(probability)}</span>'
    for item in items:
        value = item.get("ConceptCodeSequence")
        if value and value[0].CodeValue in (coding.PRESENT.value, coding.ABSENT.value):
            kind = "present" if value[0].CodeValue == coding.PRESENT.value else "absent"
            html += f'<span class="call {kind}">{escape(str(value[0].CodeMeaning).upper())}</span>'
    html += "</div>"
    where = next((_value(item) for item in items if _is(item, coding.TRACKING_IDENTIFIER)), "")
    html += f'<div class="where">{escape(where)}</div>'
    for item in items:
        if _is(item, coding.ILLUSTRATION_OF_ROI):
            url = pictures.get(str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID))
            html += f'<img src="{escape(url)}" alt="Heat map of {escape(name)}">' if url else ""
    facts = [(_meaning(item), _value(item)) for item in items if _is_detail(item)]
    if concept is not None:
        facts.append(("Code", f"{concept.CodeValue} ({concept.CodingSchemeDesignator})"))
    return html + _facts(facts)


def _is_detail(item: Dataset) -> bool:
    algorithm = (coding.ALGORITHM_NAME, coding.ALGORITHM_VERSION, coding.ALGORITHM_PARAMETERS)
    details = (*algorithm, coding.MEASUREMENT_METHOD, coding.IMAGE_REGION)
    return any(_is(item, code) for code in details)


def _not_analysed(sr: Dataset) -> Iterator[str]:
    items = [item for item in _walk(sr) if _is(item, coding.SUMMARY_OF_ANALYSES)]
    if items:
        yield "<h2>Images that were not analysed</h2>"
        yield '<section class="card"><ul>'
    for item in items:
        children = item.get("ContentSequence") or ()
        reason = " ".join(_value(child) for child in children if child.ValueType == "TEXT") or _value(item)
        image = " ".join(_value(child) for child in children if child.ValueType == "IMAGE")
        yield f'<li>{escape(reason)}<br><span class="code">{escape(image)}</span></li>'
    if items:
        yield "</ul></section>"


def _notes(sr: Dataset) -> Iterator[str]:
    notes = [item for item in _evaluations(sr) if _is(item, coding.COMMENT) and item.get("ContentSequence")]
    if notes:
        yield "<h2>Assumptions</h2>"
        yield '<section class="card"><ul>'
    for note in notes:
        image = " ".join(_value(child) for child in note.ContentSequence)
        yield f'<li>{escape(_value(note))}<br><span class="code">{escape(image)}</span></li>'
    if notes:
        yield "</ul></section>"


def _comments(sr: Dataset) -> list[str]:
    """Comments on the report as a whole, not on one image."""
    return [_value(item) for item in _evaluations(sr) if _is(item, coding.COMMENT) and not item.get("ContentSequence")]


def _evaluations(sr: Dataset) -> Iterator[Dataset]:
    for item in sr.get("ContentSequence") or ():
        if _is(item, coding.QUALITATIVE_EVALUATIONS):
            yield from item.get("ContentSequence") or ()


def _walk(item: Dataset) -> Iterator[Dataset]:
    for child in item.get("ContentSequence") or ():
        yield child
        yield from _walk(child)


def _tree(item: Dataset) -> str:
    rows = "".join(
        f"<li>{escape(_meaning(child))}: {escape(_value(child))}{_tree(child)}</li>"
        for child in item.get("ContentSequence") or ()
    )
    return f"<ul>{rows}</ul>" if rows else ""


def _facts(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows if value)
    return f'<table class="facts">{cells}</table>'


def _is(item: Dataset, code: Code) -> bool:
    names = item.get("ConceptNameCodeSequence")
    return bool(names) and (names[0].get("CodeValue"), names[0].get("CodingSchemeDesignator")) == (
        code.value,
        code.scheme_designator,
    )


def _meaning(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].get("CodeMeaning", "")) if names else ""


def _value(item: Dataset) -> str:
    """The value of a content item in words (PS3.3 C.17.3.2)."""
    match item.get("ValueType"):
        case "TEXT":
            return _text(item, "TextValue")
        case "CODE":
            return str(item.ConceptCodeSequence[0].get("CodeMeaning", ""))
        case "NUM" if item.get("MeasuredValueSequence"):
            measured = item.MeasuredValueSequence[0]
            unit = measured.MeasurementUnitsCodeSequence[0]
            return f"{measured.get('NumericValue', '')} {'%' if unit.CodeValue == '%' else unit.CodeMeaning}"
        case "UIDREF":
            return _text(item, "UID")
        case "IMAGE" | "COMPOSITE":
            return f"image {item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID}"
        case "SCOORD":
            points = [f"{float(value):g}" for value in item.GraphicData]
            pairs = " ".join(f"({x}, {y})" for x, y in zip(points[::2], points[1::2], strict=False))
            return f"{item.GraphicType.capitalize()} {pairs} in pixels (column, row)"
        case _:
            return ""


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
