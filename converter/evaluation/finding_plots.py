"""The plots and pictures of one finding: ROC and precision-recall, reliability and histograms, hits and misses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from converter.evaluation import plots
from converter.evaluation.finding_tables import of_sources
from converter.evaluation.gallery import KINDS, Picture
from converter.evaluation.wording import decimal
from converter.page.counted import counted
from converter.page.markup import data_url, picture

Part = Mapping[str, Any]


def telling_apart(finding: Part, name: str) -> Iterator[str]:
    drawn = [source for source in finding["sources"] if source["roc"]]
    if not drawn:
        return
    left_out, drawn = drawn[plots.SERIES_MAX :], drawn[: plots.SERIES_MAX]
    figures = {group["name"]: group for group in of_sources(finding)}
    found = [figures[source["name"]] for source in drawn]
    yield '<h3>Telling images apart</h3><div class="plots"><figure>'
    yield plots.square(
        [source["roc"] for source in drawn],
        [(1 - group["specificity"]["value"], group["sensitivity"]["value"]) for group in found],
        ("marked among those without it", "marked among those with it"),
        f"ROC curves for {name}",
        diagonal=True,
    )
    yield "<figcaption>ROC curve: the closer to the upper left corner the better.</figcaption></figure><figure>"
    yield plots.square(
        [source["precision_recall"] for source in drawn],
        [(group["sensitivity"]["value"], group["precision"]["value"]) for group in found],
        ("marked among those with it", "labelled with it among the marked"),
        f"Precision-recall curves for {name}",
    )
    yield "<figcaption>Precision-recall curve: the closer to the upper right corner the better.</figcaption></figure>"
    yield '</div><ul class="legend">'
    for n, group in enumerate(found):
        yield (
            f"<li>{plots.sample(n)}{escape(group['name'])}: AUC {decimal(group['auc'])}, PR-AUC "
            f"{decimal(group['average_precision'])}</li>"
        )
    yield '</ul><p class="soft">Circles: the operating threshold.'
    yield f" Not drawn: {counted(len(left_out), 'further source')}." if left_out else ""
    yield "</p>"


def probabilities(finding: Part, name: str) -> Iterator[str]:
    yield "<h3>What the probabilities are worth</h3>"
    yield (
        "<p>First plot: a point on the diagonal means that of the images which were given, say, 70 %, seven in ten are "
        "labelled with it; larger points stand for more images, bars are 95 % intervals of that share (Wilson's, which "
        "take every image for independent). Second plot: how many images were given which "
        f'probability (<span class="swatch positive"></span>labelled with {escape(name)}, upwards; '
        '<span class="swatch negative"></span>without it, downwards; dashed: the threshold; heights grow with the '
        "square root, so that few images show).</p>"
    )
    figures = {group["name"]: group for group in of_sources(finding)}
    for n, source in enumerate(finding["sources"]):
        group = figures[source["name"]]
        if not group["images"]:
            continue
        yield f"<h4>{escape(source['name'])}</h4>"
        yield (
            f'<p class="soft">On average the model states {100 * group["mean_probability"]:.1f} %; '
            f"{100 * group['positives'] / group['images']:.1f} % are labelled with it. Calibration error "
            f'{decimal(group["ece"])}.</p><div class="plots">'
        )
        if source["reliability"]:
            yield f"<figure>{plots.reliability(source['reliability'], n, 'Reliability, ' + source['name'])}</figure>"
        label = f"Probabilities, {source['name']}"
        yield f"<figure>{plots.histogram(source['histogram'], finding['threshold'], label)}</figure></div>"


def gallery(pictures: Sequence[Picture]) -> Iterator[str]:
    if not pictures:
        return
    yield "<h3>Images to look at</h3>"
    yield (
        "<p>Each image twice: as it is, and with the model's attention in colour; below it the probability that the "
        "model states. Colours tell where, not how much: each image is scaled to its own strongest spot, only faint "
        "attention stays faint. A label may be wrong: look at the missed ones with that in mind. This page holds "
        "radiographs; treat it like the images themselves.</p>"
    )
    for kind in KINDS:
        shown = [picture for picture in pictures if picture.kind is kind]
        if not shown:
            continue
        yield f'<h4>{kind.title} <span class="soft">({kind.rule})</span></h4><div class="gallery">'
        for one in shown:
            yield (
                f"<figure>{picture(data_url('jpeg', one.jpeg), f'Image {one.number} without and with heat map')}"
                f"<figcaption>Image {one.number}, {escape(one.source)}: {100 * one.probability:.1f} %</figcaption>"
                "</figure>"
            )
        yield "</div>"
