"""manifest.yaml of a model package: all its sections, and what must fit between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from converter.errors import InvalidManifest
from converter.package.distribution import Distribution
from converter.package.evidence import CohortSummary, Metric, Provenance
from converter.package.finding import FindingSpec
from converter.package.gate import Gate
from converter.package.intended_use import IntendedUse
from converter.package.learned_films import LearnedFilms
from converter.package.lungs import Lungs
from converter.package.network import InputSpec, OutputSpec
from converter.package.precision import Precision
from converter.package.reduced_decoding import ReducedEvidence
from converter.package.section import Name, PackageSection, Sha256, Version
from converter.regular_file import read_regular

MANIFEST_BYTES_MAX = 1 << 20


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
    lungs: Lungs | None = None
    learned_films: LearnedFilms | None = None

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
        content = read_regular(path, MANIFEST_BYTES_MAX)
    except OSError as error:
        raise InvalidManifest(f"{path} cannot be read: {error.strerror}") from error
    return parse_manifest(content, path)


def parse_manifest(content: bytes, path: Path) -> Manifest:
    """The manifest that `content`, read from `path`, is. Raises InvalidManifest naming every field that is wrong."""
    try:
        data: Any = yaml.safe_load(content.decode("utf-8"))
        return Manifest.model_validate(data)
    except (UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        raise InvalidManifest(f"{path}: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'manifest'}: {problem['msg']}" for problem in error.errors()
        )
        raise InvalidManifest(f"{path}: {problems}") from error
