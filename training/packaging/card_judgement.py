"""What `judge` found, as a section of the model card and as metrics of the manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from converter.evaluation.robustness import worded
from converter.evaluation.wording import decimal, percent
from converter.package.baseline import PREFIX
from converter.package.evidence import Metric
from converter.package.manifest import Manifest

# Adults are films of the mixed sources; a package that is not for them is not warned of for them.
ADULT_YEARS = 18
KIND, FORMAT = "judgement", 1
Part = Mapping[str, Any]
Figure = Mapping[str, float | None]


def is_judgement(figures: Part) -> bool:
    return figures.get("kind") == KIND and figures.get("format") == FORMAT


def judged_section(judgement: Part) -> Iterator[str]:
    """`judgement`: the JSON of `judge`."""
    yield "## Judged from outside"
    yield (
        f"By `python -m training judge`, {judgement['setting']['created']}, on films that the weights did not come "
        "from; intervals over patients."
    )
    told = [f"- **Warning.** {one['text']}" for one in judgement["cautions"]]
    if told:
        yield "\n".join(told)
    for part, found in judgement["parts"].items():
        yield from (
            [f"{part}: not measured, {found['not_measured']}."] if "not_measured" in found else TABLES[part](found)
        )


def judged_metrics(judgement: Part, manifest: Manifest) -> Iterator[Metric]:
    """The figures that have an interval. The AUC of the probe stands beside that of the network, as `baseline ...`,
    where the package is meant for adults: whoever lists the package is then told where it is not ahead."""
    for part, found in judgement["parts"].items():
        if "not_measured" not in found:
            for metric, figure in METRICS[part](found):
                name = metric["name"]
                of_probe = name.startswith(PREFIX)
                meant = manifest.intended_use.ages.oldest_years >= ADULT_YEARS
                if figure["value"] is not None and figure["low"] is not None and (meant or not of_probe):
                    yield Metric(**{**metric, **figure})


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _mixed_tables(found: Part) -> Iterator[str]:
    yield (
        f"Adults: films of {found['diseased']} with the finding ({found['splits']}) against the healthy films of each "
        f"collection. The probe is {found['probe']}, taught on the train splits of all. Healthy films of one "
        "collection against those of another: 0.5 is right. A figure against one collection alone may measure that "
        "collection."
    )
    rows = [
        [f"with the finding v healthy {one['name']}", str(one["images"]), decimal(one["auc"]), decimal(one["probe"])]
        for one in found["finding_against"]
    ]
    rows.append(["mean of the collections", "", decimal(found["mean"]["auc"]), decimal(found["mean"]["probe"])])
    rows.append(["lowest of the collections", "", decimal(found["lowest"]["auc"]), decimal(found["lowest"]["probe"])])
    rows += [
        [f"healthy v healthy: {one['name']}", str(one["images"]), decimal(one["auc"]), decimal(one["probe"])]
        for one in found["healthy_against_healthy"]
    ]
    yield _table(("films", "images", "AUC", "AUC of the probe"), rows)


def _robustness_tables(found: Part) -> Iterator[str]:
    for population in found["populations"]:
        yield (
            f"Changed films, {population['name']} ({population['films']}, {population['positives']} with the finding): "
            "each change at its strongest. Figures are of the films that the node would answer."
        )
        rows = [_changed_row("as stored", population["as_stored"])]
        for change in population["changes"]:
            strongest = change["strengths"][-1]
            rows.append(_changed_row(f"{change['name']} {worded(strongest['strength'], change['unit'])}", strongest))
        yield _table(("change", "refused", "answers that flip", "AUC", "sensitivity", "specificity"), rows)


def _changed_row(title: str, one: Part) -> list[str]:
    shares = [percent(one[key]) for key in ("refused", "flipped")]
    return [title, *shares, decimal(one["auc"]), *(percent(one[key]) for key in ("sensitivity", "specificity"))]


def _lung_tables(found: Part) -> Iterator[str]:
    place = found["map"]
    yield f"Evidence in the lungs, {found['films']} children's films with hand-made outlines:"
    rows = [[one["name"], one["expected"], decimal(one["auc"])] for one in found["paints"]]
    yield _table(("what is shown", "what is right", "AUC"), rows)
    yield (
        f"Of the positive map {percent(place['inside'])} lies on lung ({percent(place['area'])} of the film is), its "
        f"strongest place on {percent(place['peak_inside'])} of {place['films']} marked films. Boxes of maps on one "
        f"side that cross the midline: {percent(found['boxes']['cross'])} of {found['boxes']['one_sided']}."
    )


def _pointing_tables(found: Part) -> Iterator[str]:
    yield f"Opacities drawn into the lungs of {found['films']} healthy films:"
    rows = [
        [
            f"{100 * one['sigma']:g} % of the width",
            *(percent(one[key]) for key in ("pointed", "fell", "marked", "cross")),
        ]
        for one in found["sizes"]
    ]
    heads = ("one sigma", "map points at it", "probability fell", "marked", "box crosses the midline")
    yield _table(heads, rows)


def _gaps_tables(found: Part) -> Iterator[str]:
    for population in found["populations"]:
        rows = [
            [f"{group['attribute']} {group['value']}", f"{group['images']} ({group['positives']})"]
            + [
                "-" if group[key]["here"] is None else f"{group[key]['here']:.3f}, gap {decimal(group[key]['gap'])}"
                for key in ("auc", "sensitivity", "specificity")
            ]
            for group in population["groups"]
        ]
        if rows:
            yield f"Gaps between groups, {population['name']}: each against the others that state the attribute."
            yield _table(("group", "images (positive)", "AUC", "sensitivity", "specificity"), rows)


def _mixed_metrics(found: Part) -> Iterator[tuple[dict[str, Any], Figure]]:
    for one in (*found["finding_against"], *found["healthy_against_healthy"]):
        healthy = "first" in one
        cohort = f"healthy {one['name']}" if healthy else f"{found['diseased']} v healthy {one['name']}"
        about = {"cohort": cohort, "split": found["splits"], "images": max(1, one["images"])}
        yield {"name": f"auc, {cohort}", **about}, one["auc"]
        if not healthy:
            yield {"name": f"{PREFIX}auc, {cohort}", **about}, one["probe"]


def _robustness_metrics(found: Part) -> Iterator[tuple[dict[str, Any], Figure]]:
    for population in found["populations"]:
        cohort, _, split = population["name"].partition(", ")
        for change in population["changes"]:
            strongest = change["strengths"][-1]
            title = f"{change['name']} {worded(strongest['strength'], change['unit'])}"
            about = {"cohort": cohort, "split": split, "images": population["films"]}
            yield {"name": f"answers that flip, {cohort}, {title}", **about}, strongest["flipped"]


def _lung_metrics(found: Part) -> Iterator[tuple[dict[str, Any], Figure]]:
    about = {"cohort": "children with outlined lungs", "split": "devtest", "images": found["films"]}
    for one in found["paints"]:
        yield {"name": f"auc of {one['name']}", **about}, one["auc"]
    about["images"] = max(1, found["map"]["films"])
    yield {"name": "share of the positive map on lung", **about}, found["map"]["inside"]
    yield {"name": "share of maps strongest on lung", **about}, found["map"]["peak_inside"]


def _pointing_metrics(found: Part) -> Iterator[tuple[dict[str, Any], Figure]]:
    for one in found["sizes"]:
        about = {"cohort": "healthy children, drawn opacities", "split": "devtest", "images": max(1, found["films"])}
        size = f"sigma {100 * one['sigma']:g} % of the width"
        yield {"name": f"map points at the opacity, {size}", **about}, one["pointed"]
        yield {"name": f"probability fell, {size}", **about}, one["fell"]


def _no_metrics(found: Part) -> Iterator[tuple[dict[str, Any], Figure]]:
    return iter(())


TABLES = {
    "mixed-sources": _mixed_tables,
    "robustness": _robustness_tables,
    "lung-evidence": _lung_tables,
    "pointing": _pointing_tables,
    "gaps": _gaps_tables,
}
METRICS = {
    "mixed-sources": _mixed_metrics,
    "robustness": _robustness_metrics,
    "lung-evidence": _lung_metrics,
    "pointing": _pointing_metrics,
    "gaps": _no_metrics,
}
