"""Put the measured figures of a package into its manifest.yaml, and write CARD.md and report/figures.json.

report/figures.json is what the card was made of, without the probability of each image.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converter.package.manifest import Manifest
from training.data.splits import LEARNED_FROM
from training.packaging.card import card
from training.packaging.manifest_file import read_manifest, write_manifest
from training.packaging.measured import groups, metrics
from training.packaging.package_folder import MANIFEST, REPORT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="models/NAME/VERSION")
    parser.add_argument("figures", type=Path, help="the JSON file of python -m training evaluate")


def run(arguments: argparse.Namespace) -> None:
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
    write_manifest(arguments.folder / MANIFEST, Manifest.model_validate(measured.model_dump()))
    (arguments.folder / "CARD.md").write_text(card(measured, report), encoding="utf-8")
    save_figures(arguments.folder, report)
    print(f"{arguments.folder}: CARD.md and {len(measured.metrics)} metrics written")


def save_figures(folder: Path, report: Mapping[str, Any]) -> None:
    (folder / REPORT).mkdir(exist_ok=True)
    figures = {name: part for name, part in report.items() if name not in ("images", "unjudged")}
    (folder / REPORT / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
