"""The one-page report as PDF/A: the verdict first, one A4 sheet for a study of two films, the same bytes every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from PIL import Image

from converter.page.typefaces import shown_names
from converter.result.labels import FLAGS, WRITING
from converter.result.sheet import words
from converter.result.sheet.pdf_document import INK, MARGIN, SOFT, Colour, SheetDocument
from converter.result.sheet.records import ReportSheet, SheetFilm, SheetFinding, Verdict
from converter.words.catalogue import ENGLISH, Say, Words

COLOURS: dict[Verdict, Colour] = {"present": (138, 59, 8), "absent": (11, 95, 87), "not analysed": (107, 66, 0)}
GAP = 5.0
# The height that the picture of one film may take: two films side by side leave room for everything else of the sheet.
PICTURE_MIN, PICTURE_MAX, PICTURE_ALONE_MAX = 40.0, 92.0, 118.0
NAME_POINTS = 8.5
# Least widths of verdict, probability and threshold in the table of a film, and the type of its head; the name has
# the rest.
CELLS_MIN, HEAD_POINTS = (23.0, 16.0, 19.0), 6.5


def sheet_to_pdf(
    sheet: ReportSheet,
    pictures: Mapping[str, bytes],
    made_at: datetime,
    say: Words = ENGLISH,
) -> bytes:
    """The report as PDF/A-2B. `pictures`: SOP Instance UID of a heat map, or of a film that has none, to its picture as
    PNG or JPEG. `made_at`: when the report was made, with time zone."""
    name, is_short = shown_names(sheet.subject.names)
    title = words.title_of(sheet, say)
    pdf = SheetDocument(title, f"{sheet.subject.report_uid} {say.language}", made_at, say.language)
    _head(pdf, sheet, say)
    _subject(pdf, sheet, name, is_short, say)
    _films(pdf, sheet.films, pictures, say)
    _refusals(pdf, sheet, say)
    _foot(pdf, sheet, say)
    return bytes(pdf.output())


def _head(pdf: SheetDocument, sheet: ReportSheet, say: Say) -> None:
    """The verdict in the first line, then where, and that nobody has verified it."""
    told, films = words.headline(sheet, say)
    verdict = words.verdict_of(sheet)
    badge, colour = say(words.VERDICTS[verdict]), COLOURS[verdict]
    pdf.typeface(10, colour=SOFT)
    films_width = pdf.width_of(films) + 2
    size = next(one for one in (18.0, 15.0, 12.0, 0.0) if not one or _fits(pdf, told, badge, films_width, one)) or 12.0
    pdf.typeface(size, "B", colour)
    badge_width = pdf.width_of(badge) + 5
    pdf.typeface(size, "B")
    room = pdf.epw - badge_width - films_width - 2 * GAP
    top, height = pdf.y, 9.0
    if told:
        pdf.lines(told, MARGIN, room)
    below = max(pdf.y, top + height)
    left = MARGIN + (min(room, pdf.width_of(told)) + GAP if told else 0)
    pdf.set_xy(left, top)
    pdf.typeface(size, "B", colour)
    pdf.set_draw_color(*colour)
    pdf.set_line_width(0.5)
    pdf.cell(badge_width, height - 1.5, badge, border=1, align="C")
    pdf.typeface(10, colour=SOFT)
    pdf.set_xy(left + badge_width + GAP, top)
    pdf.cell(films_width, height - 1.5, films)
    pdf.set_y(below)
    pdf.typeface(10)
    for line in words.second_line(sheet, say):
        pdf.lines(line, MARGIN, pdf.epw)
    pdf.typeface(8, colour=SOFT)
    pdf.lines(say(FLAGS), MARGIN, pdf.epw)


def _fits(pdf: SheetDocument, told: str, badge: str, others: float, size: float) -> bool:
    pdf.typeface(size, "B")
    return pdf.width_of(told) + pdf.width_of(badge) + 5 + others + 2 * GAP <= pdf.epw


def _subject(pdf: SheetDocument, sheet: ReportSheet, name: str, is_short: bool, say: Say) -> None:
    pdf.set_y(pdf.y + 1)
    pdf.rule(MARGIN, pdf.epw)
    pdf.set_y(pdf.y + 1)
    pdf.typeface(10, "B")
    pdf.lines(name, MARGIN, pdf.epw)
    if is_short:
        pdf.typeface(7, colour=SOFT)
        pdf.lines(say(WRITING), MARGIN, pdf.epw)
    facts = [fact for fact in words.subject_facts(sheet.subject, say) if fact[1]]
    width = (pdf.epw - 2 * GAP) / 3
    for first in range(0, len(facts), 3):
        row = facts[first : first + 3]
        top, below = pdf.y, pdf.y
        for place, (label, value) in enumerate(row):
            left = MARGIN + place * (width + GAP)
            pdf.set_y(top)
            pdf.typeface(6.5, colour=SOFT)
            pdf.lines(label, left, width)
            pdf.typeface(8)
            pdf.lines(value, left, width)
            below = max(below, pdf.y)
        pdf.set_y(below)
    pdf.set_y(pdf.y + 1)
    pdf.rule(MARGIN, pdf.epw)
    pdf.set_y(pdf.y + 2)


@dataclass(frozen=True)
class _Column:
    left: float
    width: float
    picture_max: float


def _films(pdf: SheetDocument, films: Sequence[SheetFilm], pictures: Mapping[str, bytes], say: Say) -> None:
    """Two side by side, each with the table of its findings below; one below the other where a table is very long."""
    half, page = (pdf.epw - GAP) / 2, pdf.bottom - MARGIN
    longest = max((_height_of_table(pdf, film, half, say) for film in films), default=0.0)
    columns = [_Column(MARGIN + place * (half + GAP), half, min(PICTURE_MAX, page - longest)) for place in range(2)]
    if len(films) == 1 or longest > page - PICTURE_MIN:
        columns = [_Column(MARGIN, pdf.epw, PICTURE_ALONE_MAX if len(films) == 1 else PICTURE_MAX)]
    for first in range(0, len(films), len(columns)):
        placed = list(zip(films[first : first + len(columns)], columns, strict=False))
        pdf.keep_together(max(_height_of_film(pdf, film, column, pictures, say) for film, column in placed))
        top, below = pdf.y, pdf.y
        for film, column in placed:
            pdf.set_y(top)
            _film(pdf, film, column, pictures, say)
            below = max(below, pdf.y)
        pdf.set_y(below + 3)


def _film(pdf: SheetDocument, film: SheetFilm, column: _Column, pictures: Mapping[str, bytes], say: Say) -> None:
    pdf.typeface(10, "B")
    pdf.lines(film.name, column.left, column.width)
    pdf.set_y(pdf.y + 0.5)
    for picture in _pictures(film, pictures):
        width, height = _size(picture, column)
        x, y = column.left + (column.width - width) / 2, pdf.y
        pdf.image(BytesIO(picture), x, y, width, height, alt_text=say("Film {film}", film=film.name))
        pdf.set_y(y + height + 1)
    _row(
        pdf,
        column,
        _cells(pdf, say),
        [say(one) for one in ("Finding", "Verdict", "Probability", "Present from")],
        SOFT,
        HEAD_POINTS,
    )
    for finding in words.listed(film):
        _finding(pdf, finding, column, say)
    for note in film.notes:
        pdf.typeface(7, colour=SOFT)
        text = f"{say('Assumed')}: {note}"
        pdf.lines(text, column.left, column.width)


def _finding(pdf: SheetDocument, finding: SheetFinding, column: _Column, say: Say) -> None:
    """One line of the table, and below it where the finding is."""
    if column.width == pdf.epw:
        pdf.keep_together(10)
    pdf.rule(column.left, column.width)
    threshold = f"{finding.threshold} %" if finding.threshold else "–"
    cells = [say(finding.name), say(words.VERDICTS[finding.verdict]), f"{finding.percent} %", threshold]
    _row(pdf, column, _cells(pdf, say), cells, COLOURS[finding.verdict], NAME_POINTS)
    if finding.where:
        pdf.typeface(8)
        pdf.lines(words.places(finding, say), column.left, column.width)


def _cells(pdf: SheetDocument, say: Say) -> tuple[float, ...]:
    """Widths in mm, in which no word of this language is broken."""
    pdf.typeface(NAME_POINTS, "B")
    widths = [max(map(pdf.width_of, " ".join(map(say, words.VERDICTS.values())).split()))]
    pdf.typeface(HEAD_POINTS)
    widths += [max(map(pdf.width_of, say(one).split())) for one in ("Probability", "Present from")]
    return tuple(max(least, width + 2.2) for least, width in zip(CELLS_MIN, widths, strict=True))


def _row(
    pdf: SheetDocument, column: _Column, widths: Sequence[float], cells: Sequence[str], colour: Colour, points: float
) -> None:
    """Name, verdict, probability, threshold: the name wraps, the others are short. The head has small type."""
    top, is_head = pdf.y, points < 8
    others = SOFT if is_head else INK
    pdf.typeface(points, "" if is_head else "B", others)
    pdf.lines(cells[0], column.left, column.width - sum(widths) - 1)
    below, left = pdf.y, column.left + column.width - sum(widths)
    for place, (text, width) in enumerate(zip(cells[1:], widths, strict=True)):
        is_verdict = place == 0
        pdf.set_y(top)
        pdf.typeface(points, "B" if is_verdict and not is_head else "", colour if is_verdict else others)
        pdf.lines(text, left, width, "L" if is_verdict else "R")
        below, left = max(below, pdf.y), left + width
    pdf.set_y(below)


def _pictures(film: SheetFilm, pictures: Mapping[str, bytes]) -> list[bytes]:
    """Its heat maps, or the film itself."""
    return [pictures[uid] for uid in film.heatmap_uids if uid in pictures] or [
        pictures[uid] for uid in (film.uid,) if uid in pictures
    ]


def _size(picture: bytes, column: _Column) -> tuple[float, float]:
    """As large as the column allows, in mm."""
    with Image.open(BytesIO(picture)) as image:
        columns, rows = image.size
    scale = min(column.width / columns, column.picture_max / rows)
    return columns * scale, rows * scale


def _height_of_film(
    pdf: SheetDocument, film: SheetFilm, column: _Column, pictures: Mapping[str, bytes], say: Say
) -> float:
    """With picture and table; of a table that is longer than a page, what belongs beside the picture."""
    pictured = sum(_size(one, column)[1] + 1 for one in _pictures(film, pictures))
    return min(pictured + _height_of_table(pdf, film, column.width, say), pdf.bottom - MARGIN)


def _height_of_table(pdf: SheetDocument, film: SheetFilm, width: float, say: Say) -> float:
    """With the film's name above and its notes below."""
    height = 10.0
    for finding in film.findings:
        room = width - sum(_cells(pdf, say)) - 1
        pdf.typeface(NAME_POINTS, "B")
        height += pdf.height_of(say(finding.name), room)
        pdf.typeface(8)
        height += pdf.height_of(words.places(finding, say), width) if finding.where else 0
    pdf.typeface(7)
    return height + sum(pdf.height_of(note, width) + 2 for note in film.notes)


def _refusals(pdf: SheetDocument, sheet: ReportSheet, say: Say) -> None:
    """What was not analysed, and why; then remarks on the report."""
    if sheet.refusals:
        _heading(pdf, say("Not analysed"))
    for one in sheet.refusals:
        reason = f"{one.reason} [{one.code}]" if one.code else one.reason
        _fact(pdf, one.name, reason, 9, INK)
    if sheet.remarks:
        _heading(pdf, say("Remarks"))
        for remark in sheet.remarks:
            pdf.typeface(8)
            pdf.keep_together(pdf.height_of(remark, pdf.epw))
            pdf.lines(remark, MARGIN, pdf.epw)


def _foot(pdf: SheetDocument, sheet: ReportSheet, say: Say) -> None:
    _heading(pdf, say("Model and limits"))
    for label, value in () if sheet.model is None else words.model_facts(sheet.model, say):
        if value:
            _fact(pdf, label, value, 7.5)
    notice = words.notice(sheet, say)
    pdf.typeface(9, "B")
    height = pdf.height_of(notice, pdf.epw - 4)
    pdf.keep_together(height + 12)
    pdf.set_y(pdf.y + 1.5)
    pdf.set_draw_color(*INK)
    pdf.rect(MARGIN, pdf.y, pdf.epw, height + 1.6)
    pdf.set_y(pdf.y + 0.8)
    pdf.lines(notice, MARGIN + 2, pdf.epw - 4)
    pdf.set_y(pdf.y + 1.8)
    pdf.typeface(6, colour=SOFT)
    pdf.lines(f"Study Instance UID {sheet.subject.study_uid}", MARGIN, pdf.epw)


def _heading(pdf: SheetDocument, text: str) -> None:
    pdf.keep_together(16)
    pdf.rule(MARGIN, pdf.epw)
    pdf.set_y(pdf.y + 1)
    pdf.typeface(10, "B")
    pdf.lines(text, MARGIN, pdf.epw)


def _fact(pdf: SheetDocument, label: str, value: str, points: float, colour: Colour = SOFT) -> None:
    pdf.typeface(points)
    pdf.keep_together(pdf.height_of(value, pdf.epw - 32))
    top = pdf.y
    pdf.typeface(points, "B" if colour == INK else "", colour)
    pdf.lines(label, MARGIN, 30)
    below = pdf.y
    pdf.set_y(top)
    pdf.typeface(points)
    pdf.lines(value, MARGIN + 32, pdf.epw - 32)
    pdf.set_y(max(below, pdf.y))
