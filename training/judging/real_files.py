"""What a package says of files without a label: their probability, and what becomes of them in service."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from converter.analysis.analyse import analyse
from converter.analysis.policy import Policy
from converter.analysis.ports import FileDecoder
from converter.errors import ConverterError
from training.judging.judge_package import COHORT_POLICY
from training.packaging.graph_model import Package


def look_at(folders: Iterable[Path], package: Package) -> list[dict[str, str | float]]:
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return [look(file, package) for file in files]


def look(file: Path, package: Package) -> dict[str, str | float]:
    """One unlabelled file: its probability without the header rules, or why there is none; its outcome with them."""
    outcome, probability = outcome_of(file, package, COHORT_POLICY)
    in_service, _ = outcome_of(file, package, replace(COHORT_POLICY, header_rules=True))
    named: dict[str, str | float] = {"folder": f"{file.parent.parent.name}/{file.parent.name}", "file": file.name}
    named |= {"outcome": outcome, "in_service": in_service}
    return named if probability is None else named | {"probability": round(probability, 6)}


def outcome_of(file: Path, package: Package, policy: Policy) -> tuple[str, float | None]:
    found = analyse(file, package, FileDecoder(), policy)
    if isinstance(found.failure, ConverterError):
        return found.failure.code, None
    if found.analysed is None:
        assert found.declined is not None
        return found.declined.code, None
    return "analysed", found.analysed.findings[0].probability
