"""The part of the page about one finding, in reading order, beginning with the answer in short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from converter.evaluation import finding_plots, finding_tables
from converter.evaluation.gallery import Picture
from converter.evaluation.gaps_page import gaps_of_sources
from converter.evaluation.wording import NOTHING, decimal, in_a_sentence, percent
from converter.page.counted import counted


def finding_section(finding: Mapping[str, Any], pictures: Sequence[Picture]) -> Iterator[str]:
    """The name of the finding and the sections about it."""
    name = in_a_sentence(finding["meaning"])
    yield f'<h2 class="finding" id="{finding["name"]}">{escape(finding["meaning"])}</h2>'
    if not finding["groups"]:
        yield f"<section><p>No image was labelled for {escape(name)}.</p></section>"
        return
    for part in (
        in_short(finding, name),
        finding_tables.every_figure(finding),
        finding_plots.telling_apart(finding, name),
        finding_plots.probabilities(finding, name),
        finding_tables.groups(finding, name),
        gaps_of_sources(finding),
        finding_tables.within_views(finding),
        finding_tables.rivals(finding),
        finding_tables.boxes(finding),
        finding_plots.gallery(pictures),
    ):
        inside = "".join(part)
        if inside:
            yield f"<section>{inside}</section>"


def in_short(finding: Mapping[str, Any], name: str) -> Iterator[str]:
    yield "<h3>In short</h3>"
    yield (
        f"<p>An image is marked when the model states a probability of {100 * finding['threshold']:.1f} % or more for "
        f'{escape(name)}. <span class="soft">How this threshold was chosen: {escape(finding["threshold_rule"])}.</span>'
        "</p>"
    )
    yield '<div class="tiles">'
    for group in finding_tables.of_sources(finding):
        split = f", {escape(group['split'])}" if group["split"] else ""
        yield f'<div class="tile"><h4>{escape(group["name"])}</h4>'
        yield (
            f'<p class="soft">{counted(group["images"], "image")} of {counted(group["patients"], "patient")}{split}; '
            f"{group['positives']} labelled with {escape(name)}</p>"
        )
        for key, words in (
            ("sensitivity", "of the images with it are marked"),
            ("specificity", "of those without it are not"),
        ):
            value, _, interval = percent(group[key]).partition(" (")
            if value != NOTHING:
                yield f'<div class="big">{value}</div><p>{words} <span class="soft">({interval}</span></p>'
        auc = decimal(group["auc"])
        yield f"<p>AUC {auc}</p>" if auc != NOTHING else f'<p class="soft">{why_no_auc(group)}</p>'
        yield "</div>"
    yield "</div>"


def why_no_auc(group: Mapping[str, Any]) -> str:
    negatives, patients = group["images"] - group["positives"], counted(group["patients"], "patient")
    if not group["images"]:
        return "No image was analysed."
    if not negatives or not group["positives"]:
        return "No AUC: all images have the same label."
    return f"No AUC: {group['positives']} images with it and {negatives} without, of {patients}, are too few."
