"""What a package says of files without a label: their probability, and what becomes of them in service."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from converter.declined import Declined
from converter.errors import ConverterError
from converter.package.manifest import IntendedUse
from training.data.images import convert_film
from training.judging.judge_package import Package, judged


def look_at(folders: Iterable[Path], package: Package) -> list[dict[str, str | float]]:
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return [look(file, package) for file in files]


def look(file: Path, package: Package) -> dict[str, str | float]:
    """One unlabelled file: its probability without the header rules, or why there is none; its outcome with them."""
    outcome, probability = outcome_of(file, package, None)
    in_service, _ = outcome_of(file, package, package.manifest.intended_use)
    named: dict[str, str | float] = {"folder": f"{file.parent.parent.name}/{file.parent.name}", "file": file.name}
    named |= {"outcome": outcome, "in_service": in_service}
    return named if probability is None else named | {"probability": round(probability, 6)}


def outcome_of(file: Path, package: Package, use: IntendedUse | None) -> tuple[str, float | None]:
    try:
        converted = convert_film(file, package.manifest.input, use)
    except ConverterError as error:
        return error.code, None
    if isinstance(converted, Declined):
        return converted.code, None
    (judgement,) = judged(package, [converted])
    return (
        (judgement.code, None) if isinstance(judgement, Declined) else ("analysed", judgement.findings[0].probability)
    )
