"""The one-page report as plain text, for a terminal: the same words in the same order, without the pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from converter.result.labels import FLAGS
from converter.result.sheet import words
from converter.result.sheet.records import ReportSheet, SheetFilm
from converter.words.catalogue import ENGLISH, Say


def sheet_to_text(sheet: ReportSheet, say: Say = ENGLISH) -> str:
    """Parts with an empty line between them; whatever the report says stays on one line each."""
    parts = (
        [words.title_of(sheet, say), *words.second_line(sheet, say), say(FLAGS)],
        _facts([(say("Patient"), " / ".join(sheet.subject.names) or "–"), *words.subject_facts(sheet.subject, say)]),
        *(list(_film(film, say)) for film in sheet.films),
        _listed(say("Not analysed"), (f"{one.name}: {one.reason} [{one.code}]" for one in sheet.refusals)),
        _listed(say("Remarks"), sheet.remarks),
        [] if sheet.model is None else [say("Model and limits"), *_facts(words.model_facts(sheet.model, say))],
        [words.notice(sheet, say)],
    )
    return "\n\n".join("\n".join(" ".join(line.split("\n")) for line in part) for part in parts if part) + "\n"


def _facts(facts: Iterable[tuple[str, str]]) -> list[str]:
    return [f"  {label}: {value}" for label, value in facts if value]


def _listed(heading: str, lines: Iterable[str]) -> list[str]:
    told = [f"  {line}" for line in lines]
    return [heading, *told] if told else []


def _film(film: SheetFilm, say: Say) -> Iterator[str]:
    yield film.name
    for finding in words.listed(film):
        verdict = say(words.VERDICTS[finding.verdict])
        threshold = f", {say('Present from').lower()} {finding.threshold} %" if finding.threshold else ""
        where = f": {words.places(finding, say)}" if finding.where else ""
        yield f"  {say(finding.name)} {verdict} {finding.percent} %{threshold}{where}"
    for note in film.notes:
        yield f"  {say('Assumed')}: {note}"
