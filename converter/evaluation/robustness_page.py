"""The part of a page about changed films: what flips in short, a plot for each change, every figure in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from converter.evaluation import plots
from converter.evaluation.robustness import AUC_FALL_MAX, FLIPPED_MAX, weak_points, worded
from converter.evaluation.wording import decimal, percent
from converter.page import markup
from converter.page.counted import counted

SERIES = (
    ("flipped", "answers that flip"),
    ("auc", "AUC"),
    ("sensitivity", "sensitivity"),
    ("specificity", "specificity"),
    ("refused", "refused"),
)
UNCHANGED = "0"


def robustness_section(found: Mapping[str, Any]) -> str:
    """`found`: what `robustness` measured on the films of one source."""
    heading = f"Changed films: {escape(found['name'])}"
    return markup.section(heading, *_in_short(found), *_plots(found), *_table(found))


def _in_short(found: Mapping[str, Any]) -> Iterator[str]:
    without = found["films"] - found["positives"]
    yield (
        f"<p>{counted(found['films'], 'film')}, {found['positives']} with the finding and {without} without it, each "
        "changed in ways that say nothing of the patient. An answer flips where a film that was answered before and "
        f"after is on the other side of the threshold ({found['threshold']:g}). Figures are of the films that the "
        "node would answer; refused is the share of all that it would not.</p>"
    )
    weak = weak_points(dict(found))
    if weak:
        yield (
            f"<p>From these strengths on more than {FLIPPED_MAX:.0%} of the answers flip, or the AUC falls by more "
            f"than {AUC_FALL_MAX:g}:</p><ul>{''.join(f'<li>{escape(one)}</li>' for one in weak)}</ul>"
        )
    else:
        yield (
            f"<p>No change flips more than {FLIPPED_MAX:.0%} of the answers or costs more than {AUC_FALL_MAX:g} of "
            "AUC.</p>"
        )


def _plots(found: Mapping[str, Any]) -> Iterator[str]:
    shown = [(key, words) for key, words in SERIES if _is_known(found, key)]
    legend = "".join(f"<li>{plots.sample(n)}{words}</li>" for n, (_, words) in enumerate(shown))
    yield f'<h3>By strength</h3><ul class="legend">{legend}</ul><div class="plots">'
    for change in found["changes"]:
        rows = [found["as_stored"], *change["strengths"]]
        ticks = [UNCHANGED, *(_tick(one["strength"], change["unit"]) for one in change["strengths"])]
        unit = f"% {change['unit']}" if change["unit"].startswith("of ") else change["unit"]
        series = [(words, [row[key] for row in rows]) for key, words in shown]
        title = f"{change['name']} ({unit}); 0: as stored"
        drawn = plots.steps(series, ticks, title, f"{change['name']}: figures by strength")
        yield f"<figure>{drawn}</figure>"
    yield "</div>"


def _table(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [_row("as stored", found["as_stored"], "source")]
    for change in found["changes"]:
        for one in change["strengths"]:
            rows.append(_row(f"{change['name']} {worded(one['strength'], change['unit'])}", one))
    heads = ["Refused", "Answers that flip", "AUC", "Sensitivity", "Specificity"]
    yield "<h3>Every figure</h3>" + markup.table("Figures of changed films", heads, rows, "Change")


def _row(title: str, one: Mapping[str, Any], kind: str = "") -> str:
    codes = ", ".join(f"{code} {films}" for code, films in one["codes"].items())
    refused = percent(one["refused"]) + (markup.small(codes) if codes else "")
    cells = [percent(one["flipped"]), decimal(one["auc"]), percent(one["sensitivity"]), percent(one["specificity"])]
    return markup.row(escape(title), [refused, *cells], kind)


def _is_known(found: Mapping[str, Any], key: str) -> bool:
    return any(one[key]["value"] is not None for change in found["changes"] for one in change["strengths"])


def _tick(strength: float, unit: str) -> str:
    return f"{100 * strength:g}" if unit.startswith("of ") else f"{strength:g}"
