"""The one-page report as an HTML page: the verdict first, one A4 sheet for a study of two films; no script."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from pydicom import Dataset

from converter.page import markup
from converter.page.document import html_document
from converter.result.content_items import children, name_in_words, value_in_words
from converter.result.labels import FLAGS
from converter.result.sheet import words
from converter.result.sheet.reading import read_report
from converter.result.sheet.records import Refusal, ReportSheet, SheetFilm, SheetFinding
from converter.words.catalogue import ENGLISH, Say, Words

PICTURE_URLS = ("data:image/png;base64,", "data:image/jpeg;base64,")


def sr_to_html(
    sr: Dataset,
    pictures: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    say: Words = ENGLISH,
) -> str:
    """The report `sr` (TID 1500) as a page; every value from the report is escaped.

    `pictures`: SOP Instance UID of a heat map, or of a film that has none, to its picture as a data URL of PNG or JPEG.
    `names`: see `read_report`.
    """
    pictures = dict(pictures or {})
    for uid, url in pictures.items():
        if not url.startswith(PICTURE_URLS):
            raise ValueError(f"the picture of {uid} is no data URL of PNG or JPEG")
    sheet = read_report(sr, names)
    parts = (
        '<article class="sheet">',
        _head(sheet, say),
        _films(sheet, pictures, say),
        _refusals(sheet.refusals, say),
        _remarks(sheet, say),
        _foot(sheet, say),
        "</article>",
        f"<details><summary>{escape(say('All content items of the report'))}</summary>"
        f'<div class="tree">{_tree(sr)}</div></details>',
    )
    return html_document(words.title_of(sheet, say), parts, lang=say.language)


def _head(sheet: ReportSheet, say: Say) -> str:
    told, films = words.headline(sheet, say)
    verdict = words.verdict_of(sheet)
    badge = f'<strong class="{verdict.replace(" ", "-")}">{escape(say(words.VERDICTS[verdict]))}</strong>'
    lead = "".join(f"<p>{escape(line)}</p>" for line in words.second_line(sheet, say))
    first, *others = sheet.subject.names or ("–",)
    name = f"{escape(first)}{''.join(f' <bdi>{escape(other)}</bdi>' for other in others)}"
    facts = f"<div><dt>{escape(say('Patient'))}</dt><dd>{name}</dd></div>" + "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>"
        for label, value in words.subject_facts(sheet.subject, say)
        if value
    )
    told = f"<span>{escape(told)}</span> " if told else ""
    return (
        f'<header><h1>{told}{badge} <span class="films">{escape(films)}</span></h1>{lead}'
        f'<p class="soft">{escape(say(FLAGS))}</p><dl class="subject">{facts}</dl></header>'
    )


def _films(sheet: ReportSheet, pictures: Mapping[str, str], say: Say) -> str:
    films = "".join(_film(film, pictures, say) for film in sheet.films)
    return f'<div class="of-films">{films}</div>' if films else ""


def _film(film: SheetFilm, pictures: Mapping[str, str], say: Say) -> str:
    """Its picture, and the table of its findings below."""
    rows = "".join(_row(finding, say) for finding in words.listed(film))
    heads = ("Finding", "Verdict", "Probability", "Present from")
    head = "".join(f'<th scope="col">{escape(say(one))}</th>' for one in heads)
    notes = "".join(f'<p class="soft">{escape(say("Assumed"))}: {escape(note)}</p>' for note in film.notes)
    return (
        f"<section><h2>{escape(film.name)}</h2>{_picture(film, pictures, say)}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}</section>"
    )


def _picture(film: SheetFilm, pictures: Mapping[str, str], say: Say) -> str:
    shown = "".join(
        markup.picture(pictures[uid], say("Heat map of {finding}, {film}", finding=say(finding.name), film=film.name))
        for finding in film.findings
        for uid in finding.heatmap_uids
        if uid in pictures
    )
    if not shown and film.uid in pictures:
        shown = markup.picture(pictures[film.uid], say("Film {film}", film=film.name))
    return f'<div class="film">{shown}</div>' if shown else ""


def _row(finding: SheetFinding, say: Say) -> str:
    verdict = escape(say(words.VERDICTS[finding.verdict]))
    code = f' title="{escape(finding.code)}"' if finding.code else ""
    threshold = f"{escape(finding.threshold)} %" if finding.threshold else "–"
    return (
        f'<tr><th scope="row"{code}>{escape(say(finding.name))}{_where(finding, say)}</th>'
        f'<td><strong class="{finding.verdict}">{verdict}</strong></td>'
        f'<td class="number">{escape(finding.percent)} %</td><td class="number">{threshold}</td></tr>'
    )


def _where(finding: SheetFinding, say: Say) -> str:
    return "".join(markup.small(words.place(one, say)) for one in finding.where)


def _refusals(refusals: tuple[Refusal, ...], say: Say) -> str:
    """What was not analysed, and why."""
    if not refusals:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(one.name)}</th><td>{escape(one.reason)} '
        f'<span class="code">{escape(one.code)}</span></td></tr>'
        for one in refusals
    )
    heading = escape(say("Not analysed"))
    return f'<section class="refusals"><h2>{heading}</h2><table><tbody>{rows}</tbody></table></section>'


def _remarks(sheet: ReportSheet, say: Say) -> str:
    if not sheet.remarks:
        return ""
    lines = "".join(f"<li>{escape(one)}</li>" for one in sheet.remarks)
    return f'<section class="refusals"><h2>{escape(say("Remarks"))}</h2><ul>{lines}</ul></section>'


def _foot(sheet: ReportSheet, say: Say) -> str:
    facts = "" if sheet.model is None else markup.facts(words.model_facts(sheet.model, say))
    notice = words.notice(sheet, say)
    return (
        f'<section class="limits"><h2>{escape(say("Model and limits"))}</h2>{facts}'
        f'<p class="notice">{escape(notice)}</p></section>'
        f'<footer class="code">SOP Instance UID {escape(sheet.subject.report_uid)}<br>'
        f"Study Instance UID {escape(sheet.subject.study_uid)}</footer>"
    )


def _tree(item: Dataset) -> str:
    rows = "".join(
        f"<li>{escape(name_in_words(child))}: {escape(value_in_words(child))}{_tree(child)}</li>"
        for child in children(item)
    )
    return f"<ul>{rows}</ul>" if rows else ""
