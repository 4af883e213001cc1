"""Judge a package on images it never saw, by the conversion that the node uses.

Writes the figures as JSON, from which `card` makes CARD.md and the metrics of manifest.yaml, and a page for people.
With --jpeg2000 it only measures whether JPEG 2000 may be decoded at a reduced size, and writes that evidence into
manifest.yaml.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from converter.evaluation.finding_page import why_no_auc
from converter.evaluation.gallery import Gallery
from converter.evaluation.page import draw_page
from converter.evaluation.report import Setting, build_report
from converter.evaluation.wording import decimal, percent
from training.commands.arguments import add_data_argument, new_file
from training.data.cohorts.own_data import is_known
from training.data.recipe_data import IN_THE_MANIFEST, recipe_cohorts
from training.data.remembered import run_of
from training.data.splits import LEARNED_FROM, SPLITS
from training.judging.further_checks import further, notes
from training.judging.judge_package import judge_examples
from training.judging.judged_images import JudgedImages, images_to_judge
from training.judging.known_films import overlap_of
from training.judging.real_files import look_at
from training.judging.reduced import prove_reduced
from training.judging.rivals import rivals_of
from training.packaging.graph_model import Package, open_package


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="models/NAME/VERSION")
    add_data_argument(parser)
    parser.add_argument("--cohorts", nargs="+", help="those to judge on (default: those trained on, and hannover512)")
    parser.add_argument(
        "--split",
        nargs="+",
        choices=SPLITS,
        default=["devtest"],
        help="of the cohorts trained on; others are judged whole",
    )
    parser.add_argument(
        "--run",
        type=finished_run,
        help="the training run whose split.csv says which images are which (default: the one it was made of)",
    )
    parser.add_argument("--compare", type=Path, nargs="*", default=[], help="other packages, on the same images")
    parser.add_argument("--json", type=new_file, help="where the figures go")
    parser.add_argument("--html", type=new_file, help="where the page for people goes")
    parser.add_argument("--no-pictures", action="store_true", help="a page without radiographs, which may be published")
    parser.add_argument(
        "--look", type=folder_of_files, nargs="*", default=[], help="folders of unlabelled files to score as well"
    )
    parser.add_argument("--jpeg2000", action="store_true", help="measure reduced decoding, write it to manifest.yaml")


def run(arguments: argparse.Namespace) -> None:
    # 1. arguments
    package = open_package(arguments.folder)
    if arguments.jpeg2000:
        measure_jpeg2000(arguments.folder, package, arguments.data)
        return
    if arguments.json is None and arguments.html is None:
        raise argparse.ArgumentError(None, "give --json, --html or both")
    others = [open_package(folder) for folder in arguments.compare]

    # 2. images
    made_by = arguments.run or run_of(package.manifest.provenance)
    judged = images_to_judge(package.manifest, arguments.cohorts, arguments.split, arguments.data, made_by)

    # 3. what this package, the baseline and other packages say of them
    findings = package.manifest.findings
    galleries = {one.name: Gallery(one.name, one.operating_threshold, len(findings)) for one in findings}
    cases = judge_examples(package, judged.examples, judged.sources, galleries)
    rivals = list(rivals_of(package, others, judged))

    # 4. the report, and what only training measures
    report = build_report(package.manifest, cases, setting_of(judged, arguments.split), rivals)
    report |= further(package, judged.examples) | {"looked_at": look_at(arguments.look, package)}
    report["notes"] = notes(report)

    # 5. write
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    if arguments.html is not None:
        shown = {} if arguments.no_pictures else galleries
        arguments.html.write_text(page_of(report, shown), encoding="utf-8")
    tell(report)
    print(*(f"{file}: written" for file in (arguments.json, arguments.html) if file is not None), sep="\n")


def finished_run(text: str) -> Path:
    """A `type` for argparse: the folder of a training run."""
    if not (Path(text) / "split.csv").is_file():
        raise argparse.ArgumentTypeError(f"{text} is no training run: it has no split.csv")
    return Path(text)


def folder_of_files(text: str) -> Path:
    """A `type` for argparse: a folder that is there."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text} to look at")
    return Path(text)


def measure_jpeg2000(folder: Path, package: Package, data: Sequence[str]) -> None:
    (root, *_) = [place for _, place in recipe_cohorts(IN_THE_MANIFEST, data).values()]
    prove_reduced(folder, package.manifest, package.graph, root)


def setting_of(judged: JudgedImages, splits: Sequence[str]) -> Setting:
    seen = ", part of which it learned from or was tuned on" if {*splits} & LEARNED_FROM else " that it never saw"
    return Setting(
        title=f"{len(judged.examples)} images of {', '.join(judged.names)}{seen}",
        created=f"{datetime.now(UTC):%Y-%m-%d}",
        splits=judged.splits,
        patients_known=all(is_known(example.patient_id) for example in judged.examples),
        overlap=overlap_of(judged),
    )


def page_of(report: dict[str, Any], galleries: Mapping[str, Gallery]) -> str:
    return draw_page(report, {name: list(one.pictures()) for name, one in galleries.items()})


def tell(report: dict[str, Any]) -> None:
    for finding in report["findings"]:
        for group in finding["groups"]:
            print(summary(finding["name"], group))
    for caution in report["cautions"]:
        print(f"WARNING: {caution['text']}")
    for note in report["notes"]:
        print(f"{note['title']}: {note['text']}")


def summary(finding: str, group: dict[str, Any]) -> str:
    """One line of a group's figures for the console."""
    shown = f"auc {decimal(group['auc'])}  sens {percent(group['sensitivity'])}  spec {percent(group['specificity'])}"
    declined = f", {group['declined']} declined" if group["declined"] else ""
    if group["auc"]["value"] is None:
        return f"{finding}, {group['name']}: {group['images']} images{declined}. {why_no_auc(group)}"
    return (
        f"{finding}, {group['name']}: {group['images']} images{declined}  {shown}  ece {decimal(group['ece'])}  "
        f"brier {decimal(group['brier'])}"
    )
