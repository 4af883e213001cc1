"""CARD.md of a package: what it is, what it was made from, what was measured, and what it must not be used for.

The words about a package's findings, use and limits come from its manifest (from the recipe it was made by), those
about its data from the cohorts; what holds of every package is written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from converter.evaluation.figures import PATIENTS_MIN
from converter.evaluation.page import GLOSSARY
from converter.evaluation.wording import in_a_sentence
from converter.package.manifest import Manifest
from converter.page.counted import counted
from training.data.cohorts import COHORTS
from training.packaging.card_judgement import judged_section
from training.packaging.card_tables import (
    cohort_table,
    count_table,
    figure_table,
    gate_table,
    precision_table,
    table_of_real_files,
)

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


def card(manifest: Manifest, report: dict[str, Any], judgement: dict[str, Any] | None = None) -> str:
    """`report`: the JSON of `evaluate`; `judgement`: that of `judge`."""
    sections = (
        head(manifest, report),
        what_it_is(manifest),
        trained_on(manifest),
        measured(report),
        () if judgement is None else judged_section(judgement),
        input_gate(manifest),
        limits(manifest),
        real_files(manifest, report),
        sources(manifest, report),
        provenance(manifest),
    )
    return "\n\n".join(part.strip("\n") for section in sections for part in section) + "\n"


def begun(manifest: Manifest) -> str:
    """What the weights were before anything was learned."""
    before = manifest.provenance.begun_with
    return f"Begun with {before}." if before else "Trained from scratch."


def head(manifest: Manifest, report: dict[str, Any]) -> Iterator[str]:
    yield f"# {manifest.name} {manifest.version}: {in_a_sentence(manifest.title)}"
    if any(cohort.made for cohort in manifest.cohorts):
        yield MADE
    yield manifest.intended_use.statement
    for caution in report.get("cautions", ()):
        yield f"**Warning.** {caution['text']}"
    yield "Written by `python -m training card` from the output of `python -m training evaluate`; do not edit."


def what_it_is(manifest: Manifest) -> Iterator[str]:
    use, spec = manifest.intended_use, manifest.input
    yield "## What it is"
    yield (
        f"A network for one gray image of {spec.height} x {spec.width}; it gives for each finding a "
        f"probability and the class activation map whose mean is its logit. {begun(manifest)} ONNX opset "
        f"{manifest.opset}, sha256 `{manifest.onnx_sha256}`."
    )
    if manifest.precision is not None:
        precision = manifest.precision
        yield (
            f"Computed in {precision.kind}: made of the float32 graph `{precision.full_sha256}`, prepared on "
            f"{precision.prepared_on}. On the same images, float32 and {precision.kind}:"
        )
        yield precision_table(precision)
    yield (
        f"Takes: {', '.join(use.modalities)}; {', '.join(use.body_parts)}; "
        + (f"views {', '.join(use.views)}; " if use.views else "")
        + f"ages {use.ages}. The rows below say for whom there is evidence."
        + (f" Patients of other ages are declined: {use.ages.reason}." if use.ages.reason else "")
    )
    yield "\n".join(finding_lines(manifest))


def finding_lines(manifest: Manifest) -> Iterator[str]:
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
        if finding.positive_means:
            yield f"  A positive label means: {finding.positive_means}"


def trained_on(manifest: Manifest) -> Iterator[str]:
    yield "## Trained on"
    yield cohort_table(manifest)
    yield (
        "Splits are by patient; no patient is in two of them. Training images are the train split; calibration and "
        "threshold were computed from val alone."
    )


def measured(report: dict[str, Any]) -> Iterator[str]:
    yield "## Measured"
    yield (
        "Figures on images that training never saw, each with its "
        f"{report['intervals']['level_percent']:g} % interval over patients. Sensitivity and specificity at the "
        "operating threshold; ECE is the calibration error. `baseline` is a logistic regression on 32 x 32 gray "
        f"values, trained on the same images. A figure that would rest on fewer than {PATIENTS_MIN} patients of a "
        "class is left out; the counts are in the second table. Declined images count in no figure."
    )
    yield "\n".join(
        f"- {word}: {meaning.format(**report['intervals'])}" for word, meaning in GLOSSARY if word in EXPLAINED
    )
    for finding in report["findings"]:
        if len(report["findings"]) > 1:
            yield f"### {finding['meaning']}"
        yield figure_table(finding)
        yield count_table(finding)
    for note in report.get("notes", ()):
        yield f"{note['title']}. {note['text']}"


def input_gate(manifest: Manifest) -> Iterator[str]:
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
    yield gate_table(gate)
    if gate.limits:
        yield "\n".join(f"- {limit}" for limit in gate.limits)
    learned = [f"{one.name} ({one.kind}, {one.images}, {one.licence})" for one in gate.sources]
    yield f"It learned from: {'; '.join(learned)}."


def limits(manifest: Manifest) -> Iterator[str]:
    yield "## Limits"
    told = (*ALWAYS, *([NO_GATE] if manifest.gate is None else []), *manifest.intended_use.limits)
    yield "\n".join(f"- {limit}" for limit in told)


def real_files(manifest: Manifest, report: dict[str, Any]) -> Iterator[str]:
    """What the package says of real DICOM files without a usable label, chest and other, one line a file."""
    looked_at = report.get("looked_at")
    if not looked_at:
        return
    finding = manifest.findings[0]
    yield "## Real DICOM files it was shown"
    yield (
        "Unlabelled public sample files through the same conversion, the header rules left out. Those in `cxr/dicom` "
        "are chest radiographs; those in `dicom/nonchest` are not. The column `in service` says what becomes of the "
        "file with the header rules."
    )
    yield table_of_real_files(looked_at, finding.name, finding.operating_threshold)
    yield of_other_files(looked_at, finding.operating_threshold)
    if {INVERTED_TWIN, UPRIGHT_TWIN} <= {entry["file"] for entry in looked_at}:
        yield (
            f"`{INVERTED_TWIN}` has the pixels of `{UPRIGHT_TWIN}` and the wrong Photometric Interpretation: black and "
            "white are exchanged."
        )


def of_other_files(looked_at: list[dict[str, Any]], threshold: float) -> str:
    """How many files that are no chest radiograph got a probability, and how many the header rules keep out."""
    others = [entry for entry in looked_at if entry["folder"].endswith("nonchest") and "probability" in entry]
    if not others:
        return "No file that is no chest radiograph got a probability."
    admitted = [f"`{entry['file']}`" for entry in others if entry["in_service"] == "analysed"]
    positive = sum(entry["probability"] >= threshold for entry in others)
    return (
        f"{counted(len(others), 'file')} that {'is' if len(others) == 1 else 'are'} no chest radiograph got a "
        f"probability, {positive} of them above the threshold. The header rules refuse "
        f"{len(others) - len(admitted)} of them"
        + (f"; they admit {', '.join(admitted)}, whose header does not say what it shows." if admitted else ".")
    )


def sources(manifest: Manifest, report: dict[str, Any]) -> Iterator[str]:
    yield "## Sources"
    named = [f"- {cohort.name}: {cohort.citation}. Licence: {cohort.licence}." for cohort in manifest.cohorts]
    yield "\n".join([*named, *measured_only(manifest, report)])


def measured_only(manifest: Manifest, report: dict[str, Any]) -> Iterator[str]:
    """The sources that were measured but not trained on."""
    trained_on = {cohort.name for cohort in manifest.cohorts}
    measured = dict.fromkeys(group["cohort"] for finding in report["findings"] for group in finding["groups"])
    for name in measured:
        if name in COHORTS and name not in trained_on:
            facts = COHORTS[name]
            yield f"- {name} (measured only; {facts.population}): {facts.citation}. Licence: {facts.licence}."


def provenance(manifest: Manifest) -> Iterator[str]:
    made = manifest.provenance
    yield "## Provenance"
    tools = ", ".join(f"{tool} {version}" for tool, version in made.tools.items())
    yield f"Recipe {made.recipe}; seed {made.seed}; trained {made.created[:10]}; {tools}."
    if made.parity is not None:
        yield (
            f"Keras and ONNX Runtime over all {made.parity.images} images of {made.parity.split}: probabilities differ "
            f"by {made.parity.probability:.1e} at most, maps by {made.parity.cam:.1e}."
        )
