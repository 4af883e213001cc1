"""The tables of one finding: every figure, counts, groups, views, rivals, boxes; nothing where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from converter.evaluation import plots
from converter.evaluation.wording import NOTHING, decimal, p_value, percent, signed
from converter.page.markup import row, small, table

Part = Mapping[str, Any]
# Row of the table: key, name, what it says, how it is written.
FIGURES = (
    ("auc", "AUC", "how well it ranks an image with it above one without", decimal),
    ("average_precision", "PR-AUC", "precision averaged over all thresholds", decimal),
    ("sensitivity", "Sensitivity (recall)", "of those with it, marked", percent),
    ("specificity", "Specificity", "of those without it, not marked", percent),
    ("precision", "Precision", "of the marked, labelled with it", percent),
    ("negative_predictive_value", "Negative predictive value", "of those not marked, labelled without it", percent),
    ("accuracy", "Accuracy", "of all, marked as labelled", percent),
    ("f1", "F1", "harmonic mean of precision and recall", decimal),
    ("brier", "Brier score", "squared error of the probability; lower is better", decimal),
    ("ece", "Calibration error", "stated against observed; lower is better", decimal),
)


def of_sources(finding: Part) -> list[Part]:
    return [group for group in finding["groups"] if group["kind"] in ("all", "source")]


def every_figure(finding: Part) -> Iterator[str]:
    sources = of_sources(finding)
    rows = [
        row(title + small(words), [number(write(group[key])) for group in sources])
        for key, title, words, write in FIGURES
    ]
    for rival in dict.fromkeys(name for group in sources for name in group["rivals"]):
        cells = [number(decimal(group["rivals"][rival]["auc"])) for group in sources]
        rows.append(row(f"AUC of {escape(rival)}" + small("for comparison"), cells))
    yield "<h3>Every figure</h3>"
    yield table("Every figure", [escape(group["name"]) for group in sources], rows, "Figure")
    yield from declined_both_ways([group for group in sources if group["declined_as_negative"] is not None])
    yield '<h4>Counts at the threshold</h4><div class="tiles">'
    for group in sources:
        yield f'<div class="tile"><h5>{escape(group["name"])}</h5>{matrix(group["confusion"])}</div>'
    yield "</div>"


def matrix(counts: Mapping[str, int]) -> str:
    """The four counts, right ones and wrong ones in colours of their own."""
    return (
        '<table class="matrix"><thead><tr><td></td><th scope="col">marked</th><th scope="col">not marked</th></tr>'
        f'</thead><tbody><tr><th scope="row">with it</th><td class="right">{counts["tp"]}</td>'
        f'<td class="wrong">{counts["fn"]}</td></tr><tr><th scope="row">without it</th>'
        f'<td class="wrong">{counts["fp"]}</td><td class="right">{counts["tn"]}</td></tr></tbody></table>'
    )


def declined_both_ways(sources: Sequence[Part]) -> Iterator[str]:
    if not sources:
        return
    yield "<h4>With the declined images</h4>"
    yield (
        "<p>The figures above are of the analysed images. Here a declined image counts as not marked, which is all "
        "that a reader sees of it: no finding. In the ranking it comes last.</p>"
    )
    yield table(
        "With the declined images",
        [f"{escape(group['name'])}{small(str(group['declined']) + ' declined')}" for group in sources],
        [
            row(title, [number(write(group["declined_as_negative"][key])) for group in sources])
            for key, title, _, write in FIGURES
            if key in sources[0]["declined_as_negative"]
        ],
        "Figure",
    )


def groups(finding: Part, name: str) -> Iterator[str]:
    if len(of_sources(finding)) == len(finding["groups"]):
        return
    scale = small("bar: 0 to 100 %")
    heads = ["Images", f"With {escape(name)}", "AUC" + small("bar: 0.5 to 1"), "Sensitivity" + scale]
    heads += ["Specificity" + scale, "Calibration error", "Missed", "Marked without it"]
    yield "<h3>By view, sex and age</h3>"
    yield table("By view, sex and age", heads, map(group_row, finding["groups"]), "Group")


def group_row(group: Part) -> str:
    of_part = group["kind"] not in ("all", "source")
    title = group["name"].removeprefix(group["cohort"]).strip() if of_part else group["name"]
    declined = small(f"and {group['declined']} declined") if group["declined"] else ""
    cells = [
        f"{group['images']}{declined}",
        str(group["positives"]),
        number(decimal(group["auc"])) + plots.interval(group["auc"], 0.5),
        number(percent(group["sensitivity"])) + plots.interval(group["sensitivity"]),
        number(percent(group["specificity"])) + plots.interval(group["specificity"]),
        number(decimal(group["ece"])),
        str(group["confusion"]["fn"]),
        str(group["confusion"]["fp"]),
    ]
    return row(escape(title), cells, "part" if of_part else "source")


def within_views(finding: Part) -> Iterator[str]:
    concerned = [source for source in finding["sources"] if source["within_view"] is not None]
    if not concerned:
        return
    yield "<h3>How much is left within one view</h3>"
    yield (
        "<p>Sick people are more often filmed in bed (AP). A model that recognises the view alone seems to recognise "
        "the sick. So here images are compared only with images of the same view. <b>The view alone</b>: what a guess "
        "would reach that knows nothing but the view.</p>"
    )
    rows = []
    for source in concerned:
        found = source["within_view"]
        views = ", ".join(f"{images} {view}" for view, images in found["views"].items())
        cells = [number(decimal(found["auc"])), number(decimal(found["auc_within_view"]))]
        cells += [number(signed(found["difference"])), f"AUC {found['auc_of_the_view_alone']:.3f}"]
        cells.append(NOTHING if found["kept"] is None else f"{100 * found['kept']:.0f} %")
        rows.append(row(escape(source["name"]) + small(views), cells))
    heads = ["AUC, all views", "AUC within a view", "Difference", "The view alone"]
    heads.append("Kept" + small("of the AUC above 0.5"))
    yield table("How much is left within one view", heads, rows, "Source")


def rivals(finding: Part) -> Iterator[str]:
    rows = []
    for source in finding["sources"]:
        for one in source["comparisons"]:
            difference = one["difference"]
            cells = [escape(one["rival"]), str(one["images"]), number(signed(difference["auc"]))]
            cells.append(p_value(one["delong"]["p"]))
            cells += [
                number(signed(difference[key])) if key in difference else NOTHING
                for key in ("sensitivity", "specificity")
            ]
            rows.append(row(escape(source["name"]), cells))
    if not rows:
        return
    yield "<h3>Against other models</h3>"
    yield (
        "<p>This model minus the other, on the same images, each at its own threshold. Where the interval holds "
        "0, no difference is shown.</p>"
    )
    heads = ["Other", "Images", "AUC", "DeLong's test", "Sensitivity", "Specificity"]
    yield table("Against other models", heads, rows, "Source")
    yield '<p class="soft">DeLong\'s test takes every image for independent; the intervals resample patients.</p>'


def boxes(finding: Part) -> Iterator[str]:
    rows = []
    for source in finding["sources"]:
        found = source["localisation"]
        if found is not None:
            written = (("pointed", percent), ("energy", percent), ("area", percent), ("overlap", decimal))
            cells = [str(found["images"]), *(number(write(found[key])) for key, write in written)]
            rows.append(row(escape(source["name"]), cells))
    if not rows:
        return
    heads = ["Images with boxes", "Strongest spot in a box", "Attention inside the boxes"]
    heads.append("Area of the boxes" + small("what guessing would reach"))
    heads.append("Overlap of region and boxes" + small("intersection over union"))
    yield "<h3>Does the heat map lie where readers drew boxes?</h3>"
    yield table("Heat map and boxes", heads, rows, "Source")


def number(worded: str) -> str:
    """A figure for a cell, with its interval small on a line of its own. `worded`: as the module wording writes it."""
    value, _, interval = worded.partition(" (")
    return f'<span class="number">{escape(value)}{small(interval.rstrip(")")) if interval else ""}</span>'
