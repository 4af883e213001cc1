"""python -m training card FOLDER FIGURES.json: put the measured figures into manifest.yaml and write CARD.md.

The words about a package's findings, use and limits come from its manifest (from the recipe it was made by), those
about its data from the cohorts; what holds of every package is written here.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from converter.evaluation.figures import PATIENTS_MIN
from converter.evaluation.page import GLOSSARY
from converter.evaluation.wording import counted, in_a_sentence, percent
from converter.package.evidence import Metric
from converter.package.manifest import Manifest
from training.data.cohorts import COHORTS
from training.data.splits import LEARNED_FROM
from training.packaging.manifest_file import read_manifest, write_manifest

FIGURES = {"auc": "AUC", "sensitivity": "sensitivity", "specificity": "specificity", "ece": "ECE", "brier": "Brier"}
# Which entries of the page's glossary the tables of a card need.
EXPLAINED = ("AUC", "Sensitivity", "Specificity", "Calibration error", "Brier score", "Interval")

# The sample file that shows the pixels of another one inverted, and that other one.
INVERTED_TWIN = "Fake_MONOHR1.dcm"
UPRIGHT_TWIN = "1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819.dcm"
MADE = """\
**No clinical weights.** This package was trained on drawn pictures in the published layout of its cohorts, to prove
that the recipe trains, exports and serves. Lawful data for it was not at hand, and no clinical weights are shipped. Its
figures say nothing about patients; do not use it on one."""
ALWAYS = (
    "**Research use only.** Not a medical device; no clinical claim is made or supported.",
    "**Not for** excluding disease, for triage without a reader, for views, body parts and ages other than those "
    "above, or for following how a disease changes.",
    "**It answers what it was asked.** Whatever is no finding named above is invisible to it: an image without these "
    "findings is not a normal image.",
    "**Size and aspect are squashed away** before the network sees an image; anatomy is stretched accordingly.",
    "**Prevalence** in the measured sets is far above that of a ward or a clinic: precision will be lower there, and a "
    "probability is honest only where the finding is about as common as in the sets it was calibrated on.",
)
NO_GATE = (
    "**It has no input gate.** What is no image of its kind (another body part, a photograph, noise) gets a "
    "probability too, which may be a high one. The node's rules on header and pixels refuse what header and pixels "
    "give away, and nothing else."
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training card", description=__doc__)
    parser.add_argument("folder", type=Path, help="models/NAME/VERSION")
    parser.add_argument("figures", type=Path, help="the JSON file of training.commands.evaluate")
    arguments = parser.parse_args()
    manifest = read_manifest(arguments.folder)
    report = json.loads(arguments.figures.read_text(encoding="utf-8"))
    if report["package"]["onnx_sha256"] != manifest.onnx_sha256:
        raise SystemExit(f"{arguments.figures} was measured on another model.onnx")
    if seen := LEARNED_FROM & {split for group in groups(report) for split in group["split"].split(" + ")}:
        raise SystemExit(
            f"{arguments.figures} was measured on {' and '.join(sorted(seen))}, which the package was made from; a "
            "card states figures of images that it never saw"
        )
    measured = manifest.model_copy(update={"metrics": tuple(metrics(report))})
    write_manifest(arguments.folder / "manifest.yaml", Manifest.model_validate(measured.model_dump()))
    (arguments.folder / "CARD.md").write_text(card(measured, report), encoding="utf-8")
    print(f"{arguments.folder}: CARD.md and {len(measured.metrics)} metrics written")


def groups(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for finding in report["findings"]:
        yield from finding["groups"]


def metrics(report: dict[str, Any]) -> Iterator[Metric]:
    """Every figure that has an interval, named `figure, group` or, of several findings, `figure of finding, group`."""
    several = len(report["findings"]) > 1
    for finding in report["findings"]:
        of_finding = f" of {finding['name']}" if several else ""
        for group in finding["groups"]:
            for key in FIGURES:
                figure = group[key]
                if figure["value"] is not None and figure["low"] is not None:
                    yield Metric(
                        name=f"{key}{of_finding}, {group['name']}",
                        **figure,
                        cohort=group["cohort"],
                        split=group["split"],
                        images=group["images"],
                    )


def card(manifest: Manifest, report: dict[str, Any]) -> str:
    use, spec = manifest.intended_use, manifest.input
    parts = [
        f"# {manifest.name} {manifest.version}: {in_a_sentence(manifest.title)}",
        *([MADE] if any(cohort.made for cohort in manifest.cohorts) else []),
        use.statement,
        "Written by `python -m training card` from the output of `python -m training evaluate`; do not edit.",
        "## What it is",
        f"A network for one gray image of {spec.height} x {spec.width}; it gives for each finding a "
        f"probability and the class activation map whose mean is its logit. Trained from scratch. ONNX opset "
        f"{manifest.opset}, sha256 `{manifest.onnx_sha256}`.",
        *precision_words(manifest),
        f"Takes: {', '.join(use.modalities)}; {', '.join(use.body_parts)}; "
        + (f"views {', '.join(use.views)}; " if use.views else "")
        + f"ages {use.ages.min_years:g} to {use.ages.max_years:g} years. The rows below say for whom there is "
        "evidence.",
        "\n".join(finding_words(manifest)),
        "## Trained on",
        cohort_table(manifest),
        "Splits are by patient; no patient is in two of them. Training images are the train split; calibration and "
        "threshold were decided on val; devtest had no part in either.",
        "## Measured",
        "Figures on images that training never saw, each with its "
        f"{report['intervals']['level_percent']:g} % interval over patients. Sensitivity and specificity at the "
        "operating threshold; ECE is the calibration error. `baseline` is a logistic regression on 32 x 32 gray "
        f"values, trained on the same images. A figure that would rest on fewer than {PATIENTS_MIN} patients of a "
        "class is left out; the counts are in the second table. Declined images count in no figure.",
        "\n".join(
            f"- {word}: {meaning.format(**report['intervals'])}" for word, meaning in GLOSSARY if word in EXPLAINED
        ),
        *measured_words(report),
        *(f"{note['title']}. {note['text']}" for note in report.get("notes", ())),
        *gate_words(manifest),
        "## Limits",
        "\n".join(f"- {limit}" for limit in limits(manifest)),
        *looked_at(report, manifest),
        "## Sources",
        "\n".join(f"- {cohort.name}: {cohort.citation}. Licence: {cohort.licence}." for cohort in manifest.cohorts)
        + "".join(measured_only(manifest, report)),
        "## Provenance",
        f"Recipe {manifest.provenance.recipe}; seed {manifest.provenance.seed}; "
        f"trained {manifest.provenance.created[:10]}; "
        + ", ".join(f"{tool} {version}" for tool, version in manifest.provenance.tools.items())
        + ".",
        *parity_words(manifest),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def finding_words(manifest: Manifest) -> Iterator[str]:
    """One line a finding: what it is, its threshold and its calibration, each with how it was chosen."""
    for finding in manifest.findings:
        concept, calibration, point = finding.concept, finding.calibration, finding.operating_point
        line = (
            f"- **{concept.meaning}** ({concept.scheme} {concept.value}): positive from "
            f"**{finding.operating_threshold}**, {finding.threshold_rule}. "
        )
        if point is not None and point.held_out_sensitivity is not None:
            line += f"Chosen by cross-validation: {point.reason}. "
        line += f"Calibration: {calibration.summary}, fitted on {calibration.fitted_on}."
        yield line + (f" Chosen by: {calibration.reason}." if calibration.reason else "")


def precision_words(manifest: Manifest) -> Iterator[str]:
    if manifest.precision is None:
        return
    precision = manifest.precision
    yield (
        f"Computed in {precision.kind}: made of the float32 graph `{precision.full_sha256}`, prepared on "
        f"{precision.prepared_on}. On the same images, float32 and {precision.kind}:"
    )
    lines = ["| cohort | finding | split | images | AUC | ECE | largest change |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {one.cohort} | {one.finding} | {one.split} | {one.images} | {one.auc_full:.4f}, {one.auc:.4f} | "
        f"{one.ece_full:.4f}, {one.ece:.4f} | {one.largest_change:.4f} |"
        for one in precision.cohorts
    ]
    yield "\n".join(lines)


def cohort_table(manifest: Manifest) -> str:
    rows = [
        f"| {cohort.name}{' (drawn pictures)' if cohort.made else ''} | {cohort.images} | {cohort.patients} | "
        f"{COHORTS[cohort.name].population if cohort.name in COHORTS else '-'} | {cohort.licence} |"
        for cohort in manifest.cohorts
    ]
    return "\n".join(["| cohort | train images | patients | who, as published | licence |", "|" + "---|" * 5, *rows])


def measured_words(report: dict[str, Any]) -> Iterator[str]:
    for finding in report["findings"]:
        if len(report["findings"]) > 1:
            yield f"### {finding['meaning']}"
        yield figure_table(finding)
        yield count_table(finding)


def figure_table(finding: dict[str, Any]) -> str:
    lines = [
        "| group | split | images (positive), patients | " + " | ".join(FIGURES.values()) + " | baseline AUC |",
        "|---|---|---|" + "---|" * (len(FIGURES) + 1),
    ]
    for group in finding["groups"]:
        baselines = [one["auc"] for name, one in group["rivals"].items() if "logistic" in name]
        lines.append(
            f"| {group['name']} | {group['split']} | {group['images']} ({group['positives']}), {group['patients']} | "
            + " | ".join(_figure(group[key]) for key in FIGURES)
            + f" | {_figure(baselines[0], interval=False) if baselines else '-'} |"
        )
    return "\n".join(lines)


def count_table(finding: dict[str, Any]) -> str:
    lines = [
        "| group | true positive | missed | false alarm | true negative | declined | precision | F1 |",
        "|---|" + "---|" * 7,
    ]
    for group in finding["groups"]:
        counts = group["confusion"]
        numbers = [counts["tp"], counts["fn"], counts["fp"], counts["tn"], group["declined"]]
        ratios = [_figure(group[key], interval=False) for key in ("precision", "f1")]
        lines.append(f"| {group['name']} | " + " | ".join(map(str, numbers)) + " | " + " | ".join(ratios) + " |")
    return "\n".join(lines)


def limits(manifest: Manifest) -> Iterator[str]:
    yield from ALWAYS
    if manifest.gate is None:
        yield NO_GATE
    yield from manifest.intended_use.limits


def gate_words(manifest: Manifest) -> Iterator[str]:
    """What the input gate refuses, and how often it was right on images that it had not learned from."""
    gate = manifest.gate
    if gate is None:
        return
    accepted, *others = gate.kinds
    yield "## Input gate"
    yield (
        f"An image is refused when the gate's share for {accepted.name} is below {gate.threshold:g} "
        f"({gate.threshold_rule}). It knows: {', '.join(f'{kind.name} ({kind.code})' for kind in others)}. "
        f"Of {accepted.name} every refusal is a mistake; of every other kind each image that is not refused is one."
    )
    lines = ["| source | kind | images | refused | seen by the gate |", "|---|---|---|---|---|"]
    for one in gate.measured:
        share = f"{one.refused}: {percent({'value': one.refused / one.images, 'low': one.low, 'high': one.high})}"
        lines.append(f"| {one.source} | {one.kind} | {one.images} | {share} | {one.seen or 'nothing'} |")
    yield "\n".join(lines)
    if gate.limits:
        yield "\n".join(f"- {limit}" for limit in gate.limits)
    learned = [f"{one.name} ({one.kind}, {one.images}, {one.licence})" for one in gate.sources]
    yield f"It learned from: {'; '.join(learned)}."


def looked_at(report: dict[str, Any], manifest: Manifest) -> Iterator[str]:
    """What the package says of real DICOM files without a usable label, chest and other, one line a file."""
    if not report.get("looked_at"):
        return
    finding = manifest.findings[0]
    yield "## Real DICOM files it was shown"
    yield (
        "Unlabelled public sample files through the same conversion, the header rules left out. Those in `cxr/dicom` "
        "are chest radiographs; those in `dicom/nonchest` are not. The column `in service` says what becomes of the "
        "file with the header rules."
    )
    heading = f"probability of {finding.name} (threshold {finding.operating_threshold})"
    lines = [f"| folder | file | outcome | {heading} | in service |", "|---|---|---|---|---|"]
    for entry in report["looked_at"]:
        probability = f"{entry['probability']:.3f}" if "probability" in entry else "-"
        lines.append(
            f"| {entry['folder']} | {entry['file']} | {entry['outcome']} | {probability} | {entry['in_service']} |"
        )
    yield "\n".join(lines)
    others = [e for e in report["looked_at"] if e["folder"].endswith("nonchest") and "probability" in e]
    admitted = [f"`{entry['file']}`" for entry in others if entry["in_service"] == "analysed"]
    if others:
        positive = sum(entry["probability"] >= finding.operating_threshold for entry in others)
        yield (
            f"{counted(len(others), 'file')} that {'is' if len(others) == 1 else 'are'} no chest radiograph got a "
            f"probability, {positive} of them above the threshold. The header rules refuse "
            f"{len(others) - len(admitted)} of them"
            + (f"; they admit {', '.join(admitted)}, whose header does not say what it shows." if admitted else ".")
        )
    else:
        yield "No file that is no chest radiograph got a probability."
    if {INVERTED_TWIN, UPRIGHT_TWIN} <= {entry["file"] for entry in report["looked_at"]}:
        yield (
            f"`{INVERTED_TWIN}` has the pixels of `{UPRIGHT_TWIN}` and the wrong Photometric Interpretation: black and "
            "white are exchanged."
        )


def measured_only(manifest: Manifest, report: dict[str, Any]) -> Iterator[str]:
    """The sources that were measured but not trained on."""
    trained_on = {cohort.name for cohort in manifest.cohorts}
    measured = dict.fromkeys(group["cohort"] for finding in report["findings"] for group in finding["groups"])
    for name in measured:
        if name in COHORTS and name not in trained_on:
            facts = COHORTS[name]
            yield f"\n- {name} (measured only; {facts.population}): {facts.citation}. Licence: {facts.licence}."


def parity_words(manifest: Manifest) -> Iterator[str]:
    parity = manifest.provenance.parity
    if parity is not None:
        yield (
            f"Keras and ONNX Runtime over all {parity.images} images of {parity.split}: probabilities differ by "
            f"{parity.probability:.1e} at most, maps by {parity.cam:.1e}."
        )


def _figure(figure: dict[str, float | None], interval: bool = True) -> str:
    if figure["value"] is None:
        return "-"
    if not interval or figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


if __name__ == "__main__":
    main()
