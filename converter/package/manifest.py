"""The model-package contract: what manifest.yaml says, checked field by field."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from converter.declined import GATE_CODES
from converter.errors import InvalidManifest

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Version = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class PackageSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Concept(PackageSection):
    """A coded concept: Code Value, Coding Scheme Designator, Code Meaning (PS3.3 8.8)."""

    value: str = Field(min_length=1, max_length=16)
    scheme: str = Field(min_length=1, max_length=16)
    meaning: str = Field(min_length=1, max_length=64)


class Normalisation(PackageSection):
    """How gray values 0..1 become network input, by name and numbers.

    `centre-standardise`: subtract the mean and divide by (standard deviation + epsilon) of the central part of the
    image (each border of `margin` times the side left out), then clip to [-clip, clip].
    `centre-rank`: the share of the central part that is darker, stretched to mean 0 and standard deviation 1; the same
    for every exposure, window and gamma of a film (its histogram is made flat).
    `scale`: (x - mean) / std.
    """

    name: Literal["centre-standardise", "centre-rank", "scale"]
    margin: float = Field(0.125, ge=0, lt=0.5)
    epsilon: float = Field(1e-3, gt=0)
    clip: float = Field(3.0, gt=0)
    mean: float = 0.0
    std: float = Field(1.0, gt=0)


class InputSpec(PackageSection):
    """The network's input: the whole image, squashed to height x width by area averaging (aspect is not kept, so
    that neither size nor aspect can leak a label), one channel, float32."""

    name: str = "image"
    height: int = Field(ge=32, le=2048)
    width: int = Field(ge=32, le=2048)
    layout: Literal["NCHW", "NHWC"]
    normalisation: Normalisation
    jpeg2000_reduced: bool = Field(
        False,
        description="decode JPEG 2000 at a half, a quarter, ... of its size, as long as neither the network's input "
        "nor the preview needs more; only with jpeg2000_evidence",
    )


class OutputSpec(PackageSection):
    """Names of the graph's outputs. `probability` is calibrated, [N, findings] in 0..1. `cam` is the class
    activation map, [N, findings, h, w] (NCHW) or [N, h, w, findings] (NHWC); sigmoid(mean(cam)) = probability."""

    probability: str = "probability"
    cam: str = "cam"


class Knot(PackageSection):
    """A corner of an isotonic calibration: the logit `raw`, after temperature and bias, becomes `calibrated`."""

    raw: float
    calibrated: float


KNOTS_MAX = 16


class Calibration(PackageSection):
    """What the graph itself does to the network's logit, so that `mean(cam)` is the logit after it.

    `temperature`: logit / temperature. `platt`: logit / temperature + bias. `isotonic`: that, and then straight lines
    between `knots`, of slope 1 before the first and after the last.
    """

    method: Literal["none", "temperature", "platt", "isotonic"]
    temperature: float = Field(1.0, gt=0)
    bias: float = 0.0
    knots: tuple[Knot, ...] = Field((), max_length=KNOTS_MAX)
    fitted_on: str = Field(description="cohort and split, e.g. 'kermany224+nih512 val'")
    reason: str = Field("", description="why this method: what cross-validation on val said of each")

    @model_validator(mode="after")
    def _numbers_fit_the_method(self) -> Calibration:
        if (len(self.knots) >= 2) != (self.method == "isotonic"):
            raise ValueError("isotonic needs two knots or more, and nothing else has any")
        if any(a.raw >= b.raw or a.calibrated >= b.calibrated for a, b in pairwise(self.knots)):
            raise ValueError("knots must rise, or two scores could change places")
        return self

    @property
    def summary(self) -> str:
        """The method and its numbers, as a report prints them."""
        if self.method == "isotonic":
            return (
                f"isotonic with {len(self.knots)} knots after temperature {self.temperature:g} and bias {self.bias:g}"
            )
        if self.method == "none":
            return "none"
        bias = f" and bias {self.bias:g}" if self.method == "platt" else ""
        return f"{self.method} {self.temperature:g}{bias}"


class OperatingPoint(PackageSection):
    """How a threshold was chosen on val, and what it kept there of films that the choice had not seen.

    `sensitivity`: the highest threshold that keeps every guarded cohort at `sensitivity_min`. `youden`: of those that
    do, the one with the best mean Youden index. `halfway`: 0.5, because val is too small to choose.
    """

    rule: Literal["sensitivity", "youden", "halfway"]
    sensitivity_min: float = Field(ge=0, le=1)
    guarded: tuple[str, ...] = Field(description="cohorts whose sensitivity counts")
    held_out_sensitivity: float | None = Field(None, description="mean over the guarded cohorts, by cross-validation")
    held_out_specificity: float | None = Field(None, description="mean over all cohorts, by cross-validation")
    reason: str = Field("", description="why this rule")


class FindingSpec(PackageSection):
    name: Name
    concept: Concept
    operating_threshold: float = Field(gt=0, lt=1)
    threshold_rule: str = Field(description="how the threshold was chosen, and on which split")
    operating_point: OperatingPoint | None = None
    calibration: Calibration


class AgeRange(PackageSection):
    min_years: float = Field(ge=0, le=150)
    max_years: float = Field(ge=0, le=150)

    @model_validator(mode="after")
    def _min_is_not_above_max(self) -> AgeRange:
        if self.min_years > self.max_years:
            raise ValueError("min_years is above max_years")
        return self


class IntendedUse(PackageSection):
    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    views: tuple[str, ...]
    ages: AgeRange
    statement: str
    limits: tuple[str, ...] = Field((), description="what its data cannot carry, one sentence or two each; CARD.md")


class CohortSummary(PackageSection):
    name: str
    images: int = Field(ge=1)
    patients: int = Field(ge=1)
    licence: str
    citation: str
    made: bool = Field(False, description="drawn pictures in the published layout: no patient, no clinical meaning")


class Metric(PackageSection):
    """A figure measured on a split that training never saw, with its 95 % bootstrap interval (by patient)."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    cohort: str
    split: str
    images: int = Field(ge=1)


REDUCED_AUC_TOLERANCE = 0.002
REDUCED_ECE_TOLERANCE = 0.005
REDUCED_IMAGES_MIN = 100


class ReducedCohort(PackageSection):
    """The same images of one cohort as JPEG 2000, decoded in full and reduced (python -m training evaluate)."""

    cohort: str
    split: str
    images: int = Field(ge=1)
    auc_full: float = Field(ge=0, le=1)
    auc_reduced: float = Field(ge=0, le=1)
    ece_full: float = Field(ge=0, le=1)
    ece_reduced: float = Field(ge=0, le=1)
    largest_change: float = Field(ge=0, le=1, description="of one image's probability")


class ReducedEvidence(PackageSection):
    """That reduced decoding of JPEG 2000 changes neither how well the model separates nor its calibration."""

    onnx_sha256: Sha256
    measured: str = Field(description="date")
    auc_tolerance: float = Field(ge=0, le=REDUCED_AUC_TOLERANCE)
    ece_tolerance: float = Field(ge=0, le=REDUCED_ECE_TOLERANCE)
    cohorts: tuple[ReducedCohort, ...] = Field(min_length=1)

    def problems(self, onnx_sha256: str) -> list[str]:
        """Why reduced decoding is not covered by this, as sentences; empty when it is."""
        found = [] if self.onnx_sha256 == onnx_sha256 else ["it was measured with other weights"]
        images = sum(one.images for one in self.cohorts)
        if images < REDUCED_IMAGES_MIN:
            found.append(f"it rests on {images} images, fewer than {REDUCED_IMAGES_MIN}")
        for one in self.cohorts:
            for name, full, reduced, tolerance in (
                ("AUC", one.auc_full, one.auc_reduced, self.auc_tolerance),
                ("ECE", one.ece_full, one.ece_reduced, self.ece_tolerance),
            ):
                if abs(reduced - full) > tolerance:
                    found.append(f"{name} on {one.cohort} is {reduced:.4f} instead of {full:.4f} (+-{tolerance:g})")
        return found


BINS_MAX = 32
InputStatistic = Literal["mean", "deviation", "p5", "p50", "p95", "aspect"]


class Histogram(PackageSection):
    """How one number was spread over the reference films: the shares of the bins between `edges`, of which the first
    begins at minus infinity and the last has no end; an edge belongs to the bin above it."""

    edges: tuple[float, ...] = Field(min_length=1, max_length=BINS_MAX - 1)
    shares: tuple[float, ...] = Field(min_length=2, max_length=BINS_MAX)

    @model_validator(mode="after")
    def _is_a_histogram(self) -> Histogram:
        if not all(math.isfinite(edge) for edge in self.edges) or list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges are finite and each is above the one before")
        if len(self.shares) != len(self.edges) + 1:
            raise ValueError(f"{len(self.edges)} edges make {len(self.edges) + 1} bins, not {len(self.shares)}")
        if not all(share >= 0 for share in self.shares) or abs(sum(self.shares) - 1) > 1e-3:
            raise ValueError("shares are not negative and add up to 1")
        return self


class Distribution(PackageSection):
    """What scores and images were like on the films that the package was validated with
    (converter.package.distribution). The node compares its own with them; what is left out here is not compared."""

    fitted_on: str = Field(description="cohort and split, e.g. 'kermany224+nih512 val'")
    images: int = Field(ge=1, description="films that were scored")
    scores: dict[Name, Histogram] = Field(description="calibrated probability, by finding")
    inputs: dict[InputStatistic, Histogram] = Field(description="by statistic of the rendered image")
    declined_share: float | None = Field(
        None, ge=0, le=1, description="of the films, those declined for their pixels or by the gate"
    )


PRECISION_AUC_FALL_MAX = 0.002
PRECISION_ECE_RISE_MAX = 0.005
PRECISION_IMAGES_MIN = 100


class PrecisionCohort(PackageSection):
    """One finding on the same images of one cohort, by the full network and by that of fewer bits."""

    cohort: str
    finding: Name
    split: str
    images: int = Field(ge=1)
    auc_full: float = Field(ge=0, le=1)
    auc: float = Field(ge=0, le=1)
    ece_full: float = Field(ge=0, le=1)
    ece: float = Field(ge=0, le=1)
    largest_change: float = Field(ge=0, le=1, description="of one image's probability")


class Precision(PackageSection):
    """That fewer bits (python -m training quantize) cost neither separation nor calibration, source by source."""

    kind: Literal["int8", "fp16"]
    full_sha256: Sha256 = Field(description="the graph in float32 that this one was made of")
    prepared_on: str = Field(description="the images that the ranges of int8 were measured on")
    cohorts: tuple[PrecisionCohort, ...] = Field(min_length=1)

    def problems(self) -> list[str]:
        """Why the fewer bits may not serve, as sentences; empty when they may."""
        images = sum(one.images for one in self.cohorts)
        found = [] if images >= PRECISION_IMAGES_MIN else [f"{images} images, fewer than {PRECISION_IMAGES_MIN}"]
        for one in self.cohorts:
            if one.auc_full - one.auc >= PRECISION_AUC_FALL_MAX:
                found.append(f"AUC of {one.finding} on {one.cohort} falls from {one.auc_full:.4f} to {one.auc:.4f}")
            if one.ece - one.ece_full > PRECISION_ECE_RISE_MAX:
                found.append(f"ECE of {one.finding} on {one.cohort} rises from {one.ece_full:.4f} to {one.ece:.4f}")
        return found


PROBABILITY_DIFFERENCE_MAX = 1e-4


class Parity(PackageSection):
    """The exported graph beside the network it was made of, over every image of a split."""

    split: str
    images: int = Field(ge=1)
    probability: float = Field(ge=0, le=PROBABILITY_DIFFERENCE_MAX, description="largest difference")
    cam: float = Field(ge=0, description="largest difference, in logit units")


GATE_KINDS_MAX = 16


class GateKind(PackageSection):
    """What the gate tells apart. The accepted kind has no code; the others say why such an image is refused."""

    name: Name
    code: str = Field("", max_length=32, description="of the refusal, gate-...; empty for the accepted kind")
    reason: str = Field("", max_length=128, description="the sentence that reports and consoles show")


class GateSource(PackageSection):
    """Pictures that the gate learned from: how many, of what kind, and under which licence they may be used."""

    name: str
    kind: Name
    images: int = Field(ge=1)
    licence: str


class GateFigure(PackageSection):
    """How many images of one source the gate refused, with the 95 % interval of the share (Wilson)."""

    source: str
    kind: Name = Field(description="what the images are: the accepted kind, or one that must be refused")
    images: int = Field(ge=1)
    refused: int = Field(ge=0)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    seen: str = Field("", description="empty when the gate saw nothing of this source; otherwise what of it")

    @model_validator(mode="after")
    def _no_more_than_there_are(self) -> GateFigure:
        if self.refused > self.images:
            raise ValueError("more refused than there are")
        return self


class Gate(PackageSection):
    """An output of the graph that knows what the model must not be asked: [N, kinds], a softmax.

    An image is refused when its value for the first kind is below `threshold`; the reason is the code of the largest
    of the others.
    """

    output: str = "gate"
    kinds: tuple[GateKind, ...] = Field(min_length=2, max_length=GATE_KINDS_MAX)
    threshold: float = Field(gt=0, lt=1)
    threshold_rule: str = Field(description="how the threshold was chosen, and on which split")
    sources: tuple[GateSource, ...] = ()
    measured: tuple[GateFigure, ...] = ()
    limits: tuple[str, ...] = Field((), description="what it must not be relied on for, a sentence each")

    @model_validator(mode="after")
    def _every_refusal_has_a_code_and_a_reason(self) -> Gate:
        accepted, *others = self.kinds
        if accepted.code or accepted.reason:
            raise ValueError("the first kind is the accepted one: it has neither code nor reason")
        for kind in others:
            if kind.code not in GATE_CODES or not kind.reason:
                raise ValueError(f"{kind.name} needs a reason, and a code of {', '.join(GATE_CODES)}")
        names = [kind.name for kind in self.kinds]
        if len(set(names)) != len(names):
            raise ValueError("two kinds have the same name")
        strange = ({one.kind for one in self.sources} | {one.kind for one in self.measured}) - set(names)
        if strange:
            raise ValueError(f"no such kind: {', '.join(sorted(strange))}")
        return self


class Provenance(PackageSection):
    git_commit: str
    recipe: str
    seed: int
    created: str
    tools: dict[str, str]
    parity: Parity | None = None


class Manifest(PackageSection):
    """manifest.yaml of models/<name>/<version>/."""

    name: Name
    version: Version
    title: str
    manufacturer: str
    onnx_sha256: Sha256
    opset: int = Field(ge=13, le=21)
    input: InputSpec
    outputs: OutputSpec
    findings: tuple[FindingSpec, ...] = Field(min_length=1, max_length=32)
    intended_use: IntendedUse
    cohorts: tuple[CohortSummary, ...]
    metrics: tuple[Metric, ...]
    provenance: Provenance
    jpeg2000_evidence: ReducedEvidence | None = None
    distribution: Distribution | None = None
    precision: Precision | None = None
    gate: Gate | None = None

    @model_validator(mode="after")
    def _fewer_bits_are_covered(self) -> Manifest:
        problems = self.precision.problems() if self.precision else []
        if problems:
            raise ValueError(f"precision {self.precision.kind if self.precision else ''}: {'; '.join(problems)}")
        return self

    @model_validator(mode="after")
    def _distribution_is_of_these_findings(self) -> Manifest:
        strange = set(self.distribution.scores if self.distribution else ()) - {one.name for one in self.findings}
        if strange:
            raise ValueError(f"distribution.scores names no finding of this model: {', '.join(sorted(strange))}")
        return self

    @model_validator(mode="after")
    def _reduced_decoding_is_covered(self) -> Manifest:
        if self.input.jpeg2000_reduced:
            evidence = self.jpeg2000_evidence
            problems = evidence.problems(self.onnx_sha256) if evidence else ["there is no jpeg2000_evidence"]
            if problems:
                raise ValueError(
                    f"input.jpeg2000_reduced is set, but {'; '.join(problems)}. Measure it with "
                    "`python -m training evaluate FOLDER --jpeg2000`, or set it to false"
                )
        return self

    @model_validator(mode="after")
    def _finding_names_are_distinct(self) -> Manifest:
        names = [finding.name for finding in self.findings]
        if len(set(names)) != len(names):
            raise ValueError("two findings have the same name")
        return self


def load_manifest(path: Path) -> Manifest:
    """Read `path` (manifest.yaml). Raises InvalidManifest naming every field that is wrong."""
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Manifest.model_validate(data)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidManifest(f"{path}: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'manifest'}: {problem['msg']}" for problem in error.errors()
        )
        raise InvalidManifest(f"{path}: {problems}") from error
