"""python -m training.card FOLDER FIGURES.json: put the measured figures into manifest.yaml and write CARD.md."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from converter.manifest import Manifest, Metric, load_manifest
from training.cohorts import COHORTS
from training.manifest_file import write_manifest
from training.measure import IMAGES_MIN

FIGURES = {"auc": "AUC", "sensitivity": "sensitivity", "specificity": "specificity", "ece": "ECE", "brier": "Brier"}

# The sample file that shows the pixels of another one inverted.
INVERTED_TWIN = "Fake_MONOHR1.dcm"
LIMITS = """\
- **Research use only.** Not a medical device; no clinical claim is made or supported.
- **The children come from one hospital.** Their classes can be told apart without any medicine: the area of the stored
  image alone has an AUC of {area:.2f}, a logistic regression on 32 x 32 gray values the baseline AUC in the table. A
  figure there says little about another hospital; published networks that reach 0.95 at home fell to between 0.54 and
  0.82 elsewhere.
- **The adult labels are noisy.** They were mined from reports by text; where experts looked again, about half of the
  "pneumonia" films showed no airspace opacity. No model can score high against such labels, and the probability of an
  adult film is the probability of such a label.
- **AP and PA differ in more than the projection.** Portable AP films are of sicker patients; read the rows by view, not
  only the pooled one. Children were AP only.
- **Adults and ages.** The adults measured with both answers are the {nih} films of the row `nih512`, minors among them;
  read the intervals. For minors outside 1 to 5 years there is no more evidence than the {minors} films of the row
  `nih512 age 0-17`.
- **It knows only two answers.** What is no frontal chest film (a hip, a hand, a photograph, noise) gets a probability
  too, which may be a high one: no input gate has been learned yet. The node's rules on header and pixels refuse what
  header and pixels give away, and nothing else.
- **Not for** excluding disease, triage without a reader, lateral films, other findings (effusion, nodules,
  tuberculosis, pneumothorax were not trained), or follow-up of severity.
- **Size and aspect are squashed away** before the network sees a film; anatomy is stretched accordingly.
- Prevalence in the measured sets is far above that of a ward or a clinic: precision will be lower there.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.card", description=__doc__)
    parser.add_argument("folder", type=Path, help="models/NAME/VERSION")
    parser.add_argument("figures", type=Path, help="the JSON file of training.evaluate")
    arguments = parser.parse_args()
    manifest = load_manifest(arguments.folder / "manifest.yaml")
    report = json.loads(arguments.figures.read_text(encoding="utf-8"))
    if report["package"]["onnx_sha256"] != manifest.onnx_sha256:
        raise SystemExit(f"{arguments.figures} was measured on another model.onnx")
    measured = manifest.model_copy(update={"metrics": tuple(metrics(report))})
    write_manifest(arguments.folder / "manifest.yaml", Manifest.model_validate(measured.model_dump()))
    (arguments.folder / "CARD.md").write_text(card(measured, report), encoding="utf-8")
    print(f"{arguments.folder}: CARD.md and {len(measured.metrics)} metrics written")


def metrics(report: dict[str, Any]) -> Iterator[Metric]:
    for group in report["groups"]:
        for key in FIGURES:
            figure = group[key]
            if figure["value"] is not None:
                yield Metric(
                    name=f"{key}, {group['name']}",
                    **figure,
                    cohort=group["cohort"],
                    split=group["split"],
                    images=group["images"],
                )


def card(manifest: Manifest, report: dict[str, Any]) -> str:
    finding, use = manifest.findings[0], manifest.intended_use
    leak = report["size_leak"]
    parts = [
        f"# {manifest.name} {manifest.version}: {manifest.title.lower()}",
        use.statement,
        "Written by `python -m training.card` from the output of `python -m training.evaluate`; do not edit.",
        "## What it is",
        f"A residual network, one gray image of {manifest.input.height} x {manifest.input.width} in; out: one "
        f"calibrated probability ({finding.concept.meaning}, {finding.concept.scheme} {finding.concept.value}) and the "
        "class activation map whose mean is its logit. Trained from scratch. "
        f"ONNX opset {manifest.opset}, sha256 `{manifest.onnx_sha256}`.",
        f"Takes: {', '.join(use.modalities)}; {', '.join(use.body_parts)}; views {', '.join(use.views)}; ages "
        f"{use.ages.min_years:g} to {use.ages.max_years:g}, with the evidence by age band below.",
        f"Operating threshold **{finding.operating_threshold}**: {finding.threshold_rule}. "
        f"Calibration: temperature {finding.calibration.temperature} fitted on {finding.calibration.fitted_on}.",
        "## Trained on",
        cohort_table(manifest),
        "Splits are by patient (80/10/10); no patient and no near-duplicate is in two of them. Training images are the "
        "train split; temperature and threshold were decided on val. training/LOG.md says when devtest was looked at.",
        "## Measured",
        "Figures on images that training never saw, each with its 95 % percentile interval from 1000 bootstrap samples "
        "of patients; a draw that lacks a class which the figure needs is dropped. Sensitivity and specificity at the "
        "operating threshold. `baseline` is a logistic regression on "
        "32 x 32 gray values, trained on the same images. A figure that would rest on fewer than "
        f"{IMAGES_MIN} images of a class is left out; the counts are in the second table.",
        figure_table(report),
        count_table(report),
        "kermany224 and kermany512 hold partly the same films (a 224 x 224 copy and a larger one): they are not two "
        "independent results. hannover512 was not trained on; its label is the patient's (COVID-19), so a film in it "
        "may be normal, and with one class it has neither AUC nor specificity.",
        "Size leak (kermany512 devtest): AUC "
        f"{leak['as_stored']:.4f} as stored, {leak['resized']:.4f} when each film is resized to the size of another, "
        f"{leak['padded']:.4f} when it is padded with black to the aspect of another. The stored area alone would "
        f"reach {leak['area_alone']:.3f}.",
        *([map_sentence(report["map_shift"])] if "map_shift" in report else []),
        "## Limits",
        LIMITS.format(
            area=leak["area_alone"], nih=images_in(report, "nih512"), minors=images_in(report, "nih512 age 0-17")
        ),
        *looked_at(report, finding.operating_threshold),
        "## Sources",
        "\n".join(f"- {cohort.name}: {cohort.citation}. Licence: {cohort.licence}." for cohort in manifest.cohorts)
        + f"\n- hannover512 (measured only): {COHORTS['hannover512'].citation}. "
        + f"Licence: {COHORTS['hannover512'].licence}.",
        "## Provenance",
        f"Recipe {manifest.provenance.recipe}; seed {manifest.provenance.seed}; trained {manifest.provenance.created}; "
        + ", ".join(f"{tool} {version}" for tool, version in manifest.provenance.tools.items())
        + ".",
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def cohort_table(manifest: Manifest) -> str:
    rows = [
        f"| {cohort.name} | {cohort.images} | {cohort.patients} | {COHORTS[cohort.name].population} |"
        for cohort in manifest.cohorts
    ]
    return "\n".join(["| cohort | train images | patients | who |", "|---|---|---|---|", *rows])


def figure_table(report: dict[str, Any]) -> str:
    lines = [
        "| group | split | images (positive), patients | " + " | ".join(FIGURES.values()) + " | baseline AUC |",
        "|---|---|---|" + "---|" * (len(FIGURES) + 1),
    ]
    for group in report["groups"]:
        baseline = group["baseline_auc"]
        lines.append(
            f"| {group['name']} | {group['split']} | {group['images']} ({group['positives']}), {group['patients']} | "
            + " | ".join(_figure(group[key]) for key in FIGURES)
            + f" | {'-' if baseline is None else f'{baseline:.3f}'} |"
        )
    return "\n".join(lines)


def count_table(report: dict[str, Any]) -> str:
    lines = ["| group | true positive | missed | false alarm | true negative | precision | F1 |", "|---|" + "---|" * 6]
    for group in report["groups"]:
        counts = group["confusion"]
        numbers = [counts["tp"], counts["fn"], counts["fp"], counts["tn"]]
        ratios = ["-" if group[key] is None else f"{group[key]:.3f}" for key in ("precision", "f1")]
        lines.append(f"| {group['name']} | " + " | ".join(map(str, numbers)) + " | " + " | ".join(ratios) + " |")
    return "\n".join(lines)


def looked_at(report: dict[str, Any], threshold: float) -> Iterator[str]:
    """What the package says of real DICOM files without a usable label, chest and other, one line a file."""
    if not report["looked_at"]:
        return
    yield "## Real DICOM files it was shown"
    yield (
        "Unlabelled public sample files through the same conversion, the header rules left out. Those in `cxr/dicom` "
        "are chest radiographs; those in `dicom/nonchest` are not. The column `in service` says what becomes of the "
        "file with the header rules."
    )
    lines = [f"| folder | file | outcome | probability (threshold {threshold}) | in service |", "|---|---|---|---|---|"]
    for entry in report["looked_at"]:
        probability = f"{entry['probability']:.3f}" if "probability" in entry else "-"
        lines.append(
            f"| {entry['folder']} | {entry['file']} | {entry['outcome']} | {probability} | {entry['in_service']} |"
        )
    yield "\n".join(lines)
    others = [e for e in report["looked_at"] if e["folder"].endswith("nonchest") and "probability" in e]
    admitted = [f"`{entry['file']}`" for entry in others if entry["in_service"] == "analysed"]
    yield (
        f"{sum(entry['probability'] >= threshold for entry in others)} of the {len(others)} analysed files that are no "
        f"chest radiograph were called positive. The header rules refuse {len(others) - len(admitted)} of them"
        + (f"; they admit {', '.join(admitted)}, whose header does not say what it shows." if admitted else ".")
    )
    if any(entry["file"] == INVERTED_TWIN for entry in report["looked_at"]):
        yield (
            f"`{INVERTED_TWIN}` is the first file with the wrong Photometric Interpretation, so an inverted film: "
            "nothing notices that, and the probability is another one."
        )


def images_in(report: dict[str, Any], name: str) -> int:
    """The size of a group; 0 where it was not measured."""
    return sum(group["images"] for group in report["groups"] if group["name"] == name)


def map_sentence(shift: dict[str, Any]) -> str:
    return (
        f"Where the map points: against the mirror images of {shift['films']} devtest films the class activation map "
        f"lies {shift['x']:+.1f} pixels of the input beside its place to the right, and against those turned upside "
        f"down {shift['y']:+.1f} pixels below it (films whose two maps agree; training/map_shift.py)."
    )


def _figure(figure: dict[str, float | None]) -> str:
    if figure["value"] is None:
        return "-"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


if __name__ == "__main__":
    main()
