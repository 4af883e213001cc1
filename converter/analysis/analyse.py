"""The one analysis that everybody who asks gets: the node, its second model, a command, an evaluation, training.

ANALYSIS lists the steps in the order in which an image goes through them; a refusal ends them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from converter.analysis.judge import found_lungs, judged, refused_by_gate, refused_by_lungs
from converter.analysis.lungs import NOT_FOUND
from converter.analysis.lungs import as_note as lungs_as_note
from converter.analysis.outcome import Analysed, Examined
from converter.analysis.policy import Policy
from converter.analysis.ports import ImageDecoder, Model, StepWatch, Unwatched
from converter.analysis.scores import ImageScores
from converter.declined import Declined
from converter.image.convert import Converted
from converter.image.eligibility import check_header
from converter.package.gate import as_note as gate_as_note
from converter.package.lungs import Outline


def analyse(
    path: Path,
    model: Model,
    decoder: ImageDecoder,
    policy: Policy,
    header: Dataset | None = None,
    watch: StepWatch | None = None,
) -> Examined:
    """What `model` says of the image in `path`.

    header: that of the file, where the caller has read it; otherwise the decoder looks at it. A file that cannot be
    decoded is declined as `undecodable`, with the decoder's error as `failure`. Raises what the model raises.
    """
    case = _Case(path, model, decoder, policy, header, watch or Unwatched())
    try:
        for step in ANALYSIS:
            with case.watch.step(step.__name__):
                step(case)
                if case.declined is not None:
                    case.watch.outcome = f"declined: {case.declined.code}: {case.declined.reason}"
            if case.declined is not None:
                break
    except decoder.failures as error:
        case.declined, case.failure = Declined("undecodable", str(error)), error
    outcome = case.declined or case.analysed
    assert outcome is not None, "the last step judges"
    return Examined(outcome, case.notes, case.converted, case.gate, case.failure)


@dataclass
class _Case:
    """One image on its way through the steps; each step fills in what the next one needs."""

    path: Path
    model: Model
    decoder: ImageDecoder
    policy: Policy
    header: Dataset | None
    watch: StepWatch
    notes: tuple[str, ...] = ()
    converted: Converted | None = None
    scores: ImageScores | None = None
    gate: Declined | None = None
    lungs: Outline | None = None
    are_lungs_whole: bool = False
    declined: Declined | None = None
    analysed: Analysed | None = None
    failure: Exception | None = None


def check_eligibility(case: _Case) -> None:
    """Compare the header, where it is at hand, with what the model was made for."""
    if case.header is None or not case.policy.header_rules:
        case.watch.outcome = ""
        return
    verdict = check_header(case.header, case.model.manifest.intended_use)
    if isinstance(verdict, Declined):
        case.declined = verdict
    else:
        case.notes = verdict
        case.watch.outcome = "; ".join(verdict) or "eligible"


def convert(case: _Case) -> None:
    """Decode and render the pixels; a header that nobody has looked at is compared first."""
    manifest, policy = case.model.manifest, case.policy
    use = manifest.intended_use if policy.header_rules and case.header is None else None
    found = case.decoder.convert(case.path, manifest.input, use, policy.preview_side_max, policy.pixels_max)
    if isinstance(found, Declined):
        case.declined = found
        return
    case.converted = found
    case.notes += found.notes
    rows, columns = found.source_shape
    case.watch.outcome = f"{columns} x {rows} pixels" + "".join(f"; {note}" for note in found.notes)


def infer(case: _Case) -> None:
    """Score the model input; where there is a GPU it waits for a batch to fill."""
    assert case.converted is not None
    case.scores = case.model.score(case.converted.model_input)
    case.watch.outcome = f"on {case.model.provider}"


def pass_gate(case: _Case) -> None:
    """Ask the model's input gate whether this is an image to analyse at all; the policy decides what its no means."""
    assert case.scores is not None
    manifest, mode = case.model.manifest, case.policy.gate
    case.watch.outcome = "" if mode == "off" or manifest.gate is None else "passed"
    if mode != "off":
        case.gate = refused_by_gate(manifest, case.scores)
    if case.gate is None:
        return
    if mode == "refuse":
        case.declined = case.gate
    else:
        case.notes += (gate_as_note(case.gate),)
        case.watch.outcome = f"noted: {case.gate.code}: {case.gate.reason}"


def look_at_lungs(case: _Case) -> None:
    """See whether the film has the whole of the lungs, where the model outlines them; the policy of the gate decides
    what its no means."""
    assert case.scores is not None
    manifest, mode = case.model.manifest, case.policy.gate
    case.watch.outcome = ""
    if manifest.lungs is None or case.scores.lungs is None:
        return
    case.lungs = found_lungs(manifest, case.scores)
    if case.lungs is None:
        case.notes += (NOT_FOUND,)
        case.watch.outcome = "none outlined"
        return
    refused = refused_by_lungs(manifest, case.lungs)
    case.are_lungs_whole = refused is None
    case.watch.outcome = "outlined" if refused else "outlined, whole"
    if refused is None or mode == "off":
        return
    case.gate = case.gate or refused
    if mode == "refuse":
        case.declined = refused
    else:
        case.notes += (lungs_as_note(refused),)
        case.watch.outcome = f"noted: {refused.code}: {refused.reason}"


def judge(case: _Case) -> None:
    """Compare the scores with the operating points. Lungs of which a part is missing have no zones to tell."""
    assert case.converted is not None and case.scores is not None
    findings = judged(case.model.manifest, case.scores, case.converted, case.lungs, case.are_lungs_whole)
    case.analysed = Analysed(findings, case.scores.cam, case.converted, case.model.provider, case.lungs)
    case.watch.outcome = "; ".join(
        f"{found.name} {found.probability:.4f} ({'positive' if found.positive else 'negative'}, "
        f"threshold {found.threshold:.4f}){f', {found.where}' if found.where else ''}"
        for found in findings
    )


ANALYSIS: tuple[Callable[[_Case], None], ...] = (
    check_eligibility,
    convert,
    infer,
    pass_gate,
    look_at_lungs,
    judge,
)
