"""The report as one HTML page for people. It names no file and no patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from converter.declined import REASON_OF_CODE
from converter.evaluation.cautions import CANNOT_TELL
from converter.evaluation.finding_page import finding_section
from converter.evaluation.gallery import Picture
from converter.evaluation.robustness_page import robustness_section
from converter.evaluation.wording import NOTHING
from converter.page import markup
from converter.page.counted import counted
from converter.page.document import html_document

# So many image numbers of a refusal are listed; the JSON has all.
NUMBERS_MAX = 60
NOTICE = "Research use only. Not a medical device, not for diagnosis, and no statement about a single patient."
NOT_LEARNED_FROM = (
    "None of these images has the pixels of a film that the model was made from. A film that was cropped, windowed "
    "otherwise or compressed anew would not be recognised."
)
# What became of files that were not judged: key of the report -> words.
UNJUDGED = {
    "unreadable": "images that could not be read",
    "unlabelled": "images without a row in the label file",
    "without_image": "rows of the label file without an image",
    "without_answer": "images with a row, but without an answer",
}
GLOSSARY = (
    ("Operating threshold", "The fixed probability from which an image is marked. It was chosen on other images."),
    ("Sensitivity", "Of the images labelled with the finding, the share that is marked. Also called recall."),
    ("Specificity", "Of the images labelled without it, the share that is not marked."),
    (
        "AUC",
        "Take one image with and one without the finding at random: how often the one with it has the higher "
        "probability. 0.5 is guessing, 1 is perfect. It does not depend on the threshold.",
    ),
    ("PR-AUC", "Precision averaged over all thresholds. It depends on how common the finding is among these images."),
    (
        "Precision",
        "Of the marked images, the share that is labelled with the finding. Where the finding is rarer than here, as "
        "on most wards, precision is lower.",
    ),
    (
        "Calibration error",
        "How far stated probabilities are from what happened: the gap between the two in each tenth of the scale, on "
        "average over the images. 0 is best. It cannot be negative, so that chance alone raises it and small groups "
        "look worse than they are.",
    ),
    ("Brier score", "Mean squared distance between probability and label. 0 is best."),
    (
        "Interval",
        "In brackets or below a figure: the 95 % interval from {rounds} random samples of the patients (all images of "
        "a patient go together). Where no image or every image is right, the exact binomial interval over patients; of "
        "AUC, PR-AUC and F1, over the patients of the rarer class. The interval of the calibration error is without "
        "what resampling adds to it on average.",
    ),
    (
        "Dash",
        "A figure that would rest on fewer than {patients_min} patients with the finding, without it or, for precision "
        "and negative predictive value, with such a call is not given.",
    ),
    (
        "Heat map",
        "Where the model's evidence for the finding came from (class activation map). It explains the model, not the "
        "disease.",
    ),
)


def draw_page(report: Mapping[str, Any], pictures: Mapping[str, Sequence[Picture]]) -> str:
    """The page of a report of `build_report`; `pictures` by finding, empty where nothing is to be shown."""
    package = report["package"]
    parts = [
        header(report),
        *what_was_judged(report),
        *(
            part
            for finding in report["findings"]
            for part in finding_section(finding, pictures.get(finding["name"], ()))
        ),
        *(robustness_section(found) for found in report.get("robustness", ())),
        *together(report),
        *notes(report),
        *how_to_read(report),
    ]
    return html_document(f"{package['title']} {package['version']}: evaluation", parts)


def header(report: Mapping[str, Any]) -> str:
    package, setting = report["package"], report["setting"]
    subject = (
        f"<p>How well the model <b>{escape(package['name'])} {escape(package['version'])}</b> reads "
        f'{escape(setting["title"])}. <span class="soft">Measured {escape(setting["created"])}.</span></p>'
    )
    links = "".join(f'<a href="#{one["name"]}">{escape(one["meaning"])}</a>' for one in report["findings"])
    contents = f'<nav aria-label="Findings">{links}</nav>' if len(report["findings"]) > 1 else ""
    return markup.header(
        package["title"], subject, contents, notice=[NOTICE, *(one["text"] for one in report.get("cautions", ()))]
    )


def what_was_judged(report: Mapping[str, Any]) -> Iterator[str]:
    counts = report["counts"]
    declined = sum(counts["declined"].values())
    yield "<section><h2>What was judged</h2>"
    why = " (by the rules of this model, and therefore without a probability)" if declined else ""
    labelled = counted(counts["labelled"], "labelled image")
    yield f"<p>{labelled}: {counts['analysed']} analysed, {declined} declined{why}.</p>"
    if declined:
        heads = ["Code", "Images", "Numbers in the JSON"]
        yield markup.table("Declined images", heads, declined_rows(report), "Reason")
    left_out = [f"{words}: {counts[key]}" for key, words in UNJUDGED.items() if counts.get(key)]
    if left_out:
        yield f"<p>Not judged (the JSON names them): {'; '.join(left_out)}.</p>"
    learned = report.get("learned_from")
    if learned is not None:
        yield f"<p>{NOT_LEARNED_FROM if learned['known'] else CANNOT_TELL}</p>" if not learned["films"] else ""
    if not report["setting"]["patients_known"]:
        yield (
            "<p>Of some images, or of all, nobody said whose they are; each of these counts as a patient of its own. "
            "Where patients have several images, the intervals are too narrow.</p>"
        )
    yield "</section>"


def declined_rows(report: Mapping[str, Any]) -> Iterator[str]:
    for code, images in report["counts"]["declined"].items():
        numbers = [
            str(one["number"]) for one in report["images"] if one["declined"] and one["declined"]["code"] == code
        ]
        shown = ", ".join(numbers[:NUMBERS_MAX])
        if len(numbers) > NUMBERS_MAX:
            shown += f" and {len(numbers) - NUMBERS_MAX} more"
        sentence = REASON_OF_CODE[code].sentence if code in REASON_OF_CODE else code
        yield markup.row(escape(sentence), [escape(code), str(images), shown])


def together(report: Mapping[str, Any]) -> Iterator[str]:
    found = report["together"]
    if found is None:
        return
    heading = "One finding taken for another"
    rows = (
        markup.row(escape(kind), [str(images) if images else NOTHING for images in counts])
        for kind, counts in zip(found["labelled"], found["counts"], strict=True)
    )
    yield markup.section(
        heading,
        "<p>Images by what they are labelled with (rows) and what is marked (columns).</p>",
        markup.table(heading, [escape(kind) for kind in found["marked"]], rows, "Labelled"),
    )


def notes(report: Mapping[str, Any]) -> Iterator[str]:
    if report.get("notes"):
        yield "<section><h2>Further checks</h2><dl>"
        for note in report["notes"]:
            yield f"<dt>{escape(note['title'])}</dt><dd>{escape(note['text'])}</dd>"
        yield "</dl></section>"


def how_to_read(report: Mapping[str, Any]) -> Iterator[str]:
    yield "<section><h2>How to read this page</h2><dl>"
    for word, meaning in GLOSSARY:
        yield f"<dt>{word}</dt><dd>{meaning.format(**report['intervals'])}</dd>"
    yield "</dl></section>"
    yield (
        '<footer class="soft"><p class="break">Images have running numbers; the JSON file of the same evaluation says '
        f"which files they are. Model file sha256 {escape(report['package']['onnx_sha256'])}.</p></footer>"
    )
