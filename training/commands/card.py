"""Put the measured figures of a package into its manifest.yaml, and write CARD.md and report/figures.json.

report/figures.json is what the card was made of, without the probability of each image; report/judgement.json, with
--judged, what `judge` found.
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
from training.packaging.card_judgement import is_judgement, judged_metrics
from training.packaging.manifest_file import read_manifest, write_manifest
from training.packaging.measured import groups, metrics
from training.packaging.package_folder import MANIFEST, REPORT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="models/NAME/VERSION")
    parser.add_argument("figures", type=Path, help="the JSON file of python -m training evaluate")
    parser.add_argument("--judged", type=Path, metavar="FILE", help="the JSON file of python -m training judge")


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
    judgement = None if arguments.judged is None else read_judgement(arguments.judged, manifest)
    found = [*metrics(report), *(() if judgement is None else judged_metrics(judgement, manifest))]
    measured = manifest.model_copy(update={"metrics": tuple(found)})
    write_manifest(arguments.folder / MANIFEST, Manifest.model_validate(measured.model_dump()))
    (arguments.folder / "CARD.md").write_text(card(measured, report, judgement), encoding="utf-8")
    save_figures(arguments.folder, report)
    if judgement is not None:
        text = json.dumps(judgement, indent=1) + "\n"
        (arguments.folder / REPORT / "judgement.json").write_text(text, encoding="utf-8")
    print(f"{arguments.folder}: CARD.md and {len(measured.metrics)} metrics written")


def read_judgement(file: Path, manifest: Manifest) -> dict[str, Any]:
    """Ends the program where `file` is no judgement, or one of another graph."""
    judgement: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if not is_judgement(judgement):
        raise SystemExit(f"{file} is not the JSON of python -m training judge")
    if judgement["package"]["onnx_sha256"] != manifest.onnx_sha256:
        raise SystemExit(f"{file} was measured on another model.onnx")
    return judgement


def save_figures(folder: Path, report: Mapping[str, Any]) -> None:
    (folder / REPORT).mkdir(exist_ok=True)
    figures = {name: part for name, part in report.items() if name not in ("images", "unjudged")}
    (folder / REPORT / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
