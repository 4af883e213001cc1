"""The judgement as one HTML page for people. It shows no film and names no file and no patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any

from converter.evaluation import plots
from converter.evaluation.gaps_page import gaps_section
from converter.evaluation.page import NOTICE
from converter.evaluation.robustness_page import robustness_section
from converter.evaluation.wording import decimal, in_a_sentence, percent
from converter.page import markup
from converter.page.document import html_document

HEADINGS = {
    "mixed-sources": "Adults of mixed sources",
    "robustness": "Changed films",
    "lung-evidence": "Evidence in the lungs",
    "pointing": "Drawn opacities",
    "gaps": "Gaps between groups",
}


def draw_judgement(judgement: Mapping[str, Any]) -> str:
    """The page of what `build_judgement` returned."""
    package = judgement["package"]
    parts = [_header(judgement)]
    for part, found in judgement["parts"].items():
        if "not_measured" in found:
            parts.append(markup.section(HEADINGS[part], f"<p>Not measured: {escape(found['not_measured'])}.</p>"))
        else:
            parts += SECTIONS[part](found)
    parts.append(_how_to_read(judgement))
    return html_document(f"{package['title']} {package['version']}: judged from outside", parts)


def _header(judgement: Mapping[str, Any]) -> str:
    package, finding = judgement["package"], judgement["finding"]
    subject = (
        f"<p>What <b>{escape(package['name'])} {escape(package['version'])}</b> leans on when it says "
        f'{escape(in_a_sentence(finding["meaning"]))}. <span class="soft">Measured '
        f"{escape(judgement['setting']['created'])}.</span></p>"
    )
    return markup.header(package["title"], subject, notice=[NOTICE, *(one["text"] for one in judgement["cautions"])])


def _mixed(found: Mapping[str, Any]) -> Iterator[str]:
    probe, splits = escape(found["probe"]), escape(found["splits"])
    rows = [_compared(one) for one in found["finding_against"]]
    rows.append(_summary("mean of the collections", found["mean"]))
    rows.append(_summary(f"lowest: {found['lowest']['auc']['name']}", found["lowest"]))
    heads = ["Films (with it)", "AUC", "AUC of the probe"]
    same = [_compared(one) for one in found["healthy_against_healthy"]]
    called = [
        markup.row(escape(one["name"]), [str(one["films"]), percent(one["refused"]), percent(one["marked"])])
        for one in found["called"]
    ]
    yield markup.section(
        HEADINGS["mixed-sources"],
        f"<p>Films of {escape(found['diseased'])} with the finding ({splits}) against the healthy films of each "
        f"collection. The probe is {probe}, taught on the train splits of all. A figure against one collection alone "
        "may measure that collection.</p>",
        markup.table("The finding against healthy films", heads, rows, "Healthy films of"),
        "<h3>Healthy films against healthy films</h3><p>Nothing but the collection tells them apart: 0.5 is right. "
        "Above it, films of the second get the higher probability.</p>",
        markup.table("Healthy against healthy films", ["Films (of the second)", *heads[1:]], same, "First v second"),
        "<h3>Marked at the threshold</h3>",
        markup.table("Marked at the threshold", ["Films", "Refused", "Marked, of the answered"], called, "Films"),
    )


def _compared(one: Mapping[str, Any]) -> str:
    cells = [f"{one['images']} ({one['positives']})", _figure(one["auc"]), _figure(one["probe"])]
    return markup.row(escape(one["name"]), cells)


def _summary(title: str, figures: Mapping[str, Any]) -> str:
    return markup.row(escape(title), ["", _figure(figures["auc"]), _figure(figures["probe"])], "source")


def _figure(figure: Mapping[str, Any]) -> str:
    return f"{decimal(figure)}{plots.interval(dict(figure))}"


def _robust(found: Mapping[str, Any]) -> Iterator[str]:
    yield from (robustness_section(population) for population in found["populations"])
    yield from _left_out(found)


def _left_out(found: Mapping[str, Any]) -> Iterator[str]:
    if found["left_out"]:
        yield f'<p class="soft">Left out: {escape("; ".join(found["left_out"]))}.</p>'


def _lungs(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        markup.row(
            escape(one["name"]) + markup.small(one["expected"]),
            [_figure(one["auc"]), percent(one["marked"]), percent(one["refused"])],
        )
        for one in found["paints"]
    ]
    place, boxes = found["map"], found["boxes"]
    yield markup.section(
        HEADINGS["lung-evidence"],
        f"<p>{found['films']} children's films with hand-made outlines of their lungs, {found['positives']} with the "
        "finding. The network is asked whether or not the gate would refuse the painted film.</p>",
        markup.table("Painted films", ["AUC", "Marked", "Refused by the node"], rows, "What is shown"),
        "<h3>Where the map lies</h3>",
        f"<p>On {place['films']} marked films with the finding, {percent(place['inside'])} of the positive map lies on "
        f"lung (lung is {percent(place['area'])} of the film); its strongest place does on "
        f"{percent(place['peak_inside'])} of the films. Of lungs grown a little: {percent(place['near'])} of the map, "
        f"{percent(place['near_area'])} of the film, the strongest place on {percent(place['peak_near'])}.</p>",
        f"<p>Of {boxes['films']} such films with two lungs apart, {boxes['one_sided']} have their map on one side; the "
        f"box of {percent(boxes['cross'])} of these crosses the midline all the same.</p>",
    )


def _pointing(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        markup.row(
            f"{100 * one['sigma']:g} % of the width",
            [
                str(one["opacities"]),
                percent(one["pointed"]) + markup.small(f"by chance {one['chance']:.1%}"),
                *(percent(one[key]) for key in ("shown", "pointed_of_shown", "fell", "marked", "cross")),
            ],
        )
        for one in found["sizes"]
    ]
    heads = (
        "Opacities",
        "Pointed at",
        "Map shows anything",
        "Pointed at, of these",
        "Probability fell",
        "Marked",
        "Box crosses the midline",
    )
    by_zone = [
        markup.row(f"{escape(one['zone'])}, {100 * one['sigma']:g} %", [percent(one["pointed"])])
        for one in found["zones"]
    ]
    yield markup.section(
        HEADINGS["pointing"],
        f"<p>Opacities drawn into the lungs of {found['films']} healthy films, one at a time. The map points where its "
        "strongest place is within 1.5 sigma of the middle.</p>",
        markup.table("Drawn opacities", heads, rows, "One sigma"),
        "<h3>By zone</h3>",
        markup.table("Pointed at by zone", ["Pointed at"], by_zone, "Zone and sigma"),
    )


def _gaps(found: Mapping[str, Any]) -> Iterator[str]:
    yield from (gaps_section(population) for population in found["populations"])
    yield from _left_out(found)


def _how_to_read(judgement: Mapping[str, Any]) -> str:
    told = judgement["intervals"]
    return markup.section(
        "How to read this page",
        f"<p>In brackets: the {told['level_percent']:g} % interval from {told['rounds']} random samples of the "
        f"patients. A figure of fewer than {told['patients_min']} patients is a dash. AUC: how often a film that "
        "should score higher does; 0.5 is guessing.</p>",
        f'<p class="soft break">Model file sha256 {escape(judgement["package"]["onnx_sha256"])}.</p>',
    )


SECTIONS: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "mixed-sources": _mixed,
    "robustness": _robust,
    "lung-evidence": _lungs,
    "pointing": _pointing,
    "gaps": _gaps,
}
