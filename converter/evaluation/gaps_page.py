"""The part of a page about gaps between views, sexes and ages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from converter.evaluation.gaps import ATTRIBUTES, wide
from converter.evaluation.wording import NOTHING, signed
from converter.page import markup

HEADS = ("Images (with it)", "AUC, gap to the others", "Sensitivity, gap", "Specificity, gap")


def gaps_section(found: Mapping[str, Any]) -> str:
    """`found`: what `gaps` measured of one source."""
    return markup.section(f"Gaps between groups: {escape(found['name'])}", *gaps_parts(found))


def gaps_of_sources(finding: Mapping[str, Any]) -> Iterator[str]:
    """The same of every source of a finding whose images differ in what they state; nothing where none does."""
    several = [source["gaps"] for source in finding["sources"] if source["gaps"]["groups"]]
    if several:
        yield "<h3>Gaps between groups</h3>"
    for found in several:
        yield f"<h4>{escape(found['name'])}</h4>"
        yield from gaps_parts(found)


def gaps_parts(found: Mapping[str, Any]) -> Iterator[str]:
    unknown = [name for name in ATTRIBUTES if not found["known"][name]]
    yield (
        "<p>Each group against all other images that state the attribute. A gap counts where its interval leaves out "
        "0; of many gaps some do so by chance.</p>"
    )
    if unknown:
        yield f"<p>Nobody states the {' or the '.join(unknown)} of these {found['images']} images.</p>"
    told = wide(dict(found))
    if told:
        yield f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in told)}</ul>"
    if found["groups"]:
        yield markup.table("Gaps between groups", HEADS, [_row(group) for group in found["groups"]], "Group")


def _row(group: Mapping[str, Any]) -> str:
    cells = [f"{group['images']} ({group['positives']})"]
    cells += [_cell(group[figure]) for figure in ("auc", "sensitivity", "specificity")]
    return markup.row(escape(f"{group['attribute']} {group['value']}"), cells)


def _cell(figure: Mapping[str, Any]) -> str:
    if figure["here"] is None:
        return NOTHING
    return f"{figure['here']:.3f}{markup.small(signed(figure['gap']))}"
