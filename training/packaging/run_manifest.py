"""The manifest of a package that was made from a run."""

from __future__ import annotations

import hashlib
import importlib.metadata
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from converter.package.calibration import Calibration
from converter.package.distribution import Distribution
from converter.package.evidence import CohortSummary, Parity, Provenance
from converter.package.finding import FindingSpec
from converter.package.gate import Gate
from converter.package.manifest import Manifest
from converter.package.network import OutputSpec
from training.data.cohorts import COHORTS, Example
from training.learning.recipe import FindingRecipe, Recipe
from training.packaging.hygiene import OPSET
from training.packaging.operating_point import ThresholdChoice

MANUFACTURER = "Hilum"
TOOLS = ("tensorflow", "keras", "tf2onnx", "onnxruntime")


@dataclass(frozen=True)
class Packaged:
    """What a run's network became. calibrations, choices: one a finding, in the recipe's order."""

    graph: bytes
    calibrations: Sequence[Calibration]
    choices: Sequence[ThresholdChoice]
    parity: Parity
    distribution: Distribution
    gate: Gate | None


def run_manifest(
    label: tuple[str, str], recipe: Recipe, outcome: Mapping[str, Any], cohorts: Sequence[CohortSummary], made: Packaged
) -> Manifest:
    """`label`: name and version. `outcome`: outcome.json of the run. Figures come later, from `card`."""
    name, version = label
    return Manifest(
        name=name,
        version=version,
        title=recipe.title,
        manufacturer=MANUFACTURER,
        onnx_sha256=hashlib.sha256(made.graph).hexdigest(),
        opset=OPSET,
        input=recipe.input,
        outputs=OutputSpec(),
        findings=tuple(map(finding_spec, recipe.findings, made.choices, made.calibrations)),
        intended_use=recipe.intended_use,
        cohorts=tuple(cohorts),
        metrics=(),
        provenance=provenance(outcome, recipe, made.parity),
        distribution=made.distribution,
        gate=made.gate,
    )


def finding_spec(finding: FindingRecipe, choice: ThresholdChoice, calibration: Calibration) -> FindingSpec:
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
        made=made,
    )


def provenance(outcome: Mapping[str, Any], recipe: Recipe, parity: Parity) -> Provenance:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    return Provenance(
        git_commit=commit,
        recipe="; then ".join(outcome["stages"]),
        seed=recipe.seed,
        created=outcome["finished"],
        tools={tool: importlib.metadata.version(tool) for tool in TOOLS},
        parity=parity,
    )
