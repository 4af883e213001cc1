"""python -m training evaluate FOLDER: judge a package on images it never saw, by the conversion that the node uses.

Writes the figures as JSON, from which `training card` makes CARD.md and the metrics of manifest.yaml, and a page for
people. With --jpeg2000 it only measures whether JPEG 2000 may be decoded at a reduced size, and writes that evidence
into manifest.yaml.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from converter.declined import Declined
from converter.errors import ConverterError
from converter.evaluation.cases import Rival
from converter.evaluation.gallery import Gallery
from converter.evaluation.page import draw_page
from converter.evaluation.report import Setting, build_report
from converter.evaluation.wording import decimal, percent
from converter.image.convert import convert
from converter.package.intended_use import IntendedUse
from converter.package.manifest import Manifest
from training.commands.size_leak import measure_size_leak
from training.data.cohorts import COHORTS, Example
from training.data.images import load_model_inputs
from training.data.recipe_data import IN_THE_MANIFEST, add_data_argument, load_recipe_data, recipe_cohorts
from training.data.splits import LEARNED_FROM, SPLITS, select, unseen
from training.judging.baseline_models import logistic_regression
from training.judging.judge_package import (
    PIXELS_MAX,
    PREVIEW_SIDE_MAX,
    CohortFolder,
    Package,
    judge_examples,
    open_package,
    scores_of,
)
from training.judging.map_shift import mirror_shift
from training.judging.reduced import prove_reduced

# Judged as well where it is at hand: no package is trained on it, so every image of it is new.
NEVER_TRAINED_ON = ("hannover512",)
SIZE_LEAK_COHORT = "kermany512"
SAME_FILMS = {"kermany224", "kermany512"}
MAP_SHIFT_STEP = 5
# The mean shift of fewer films than this says nothing.
MAP_SHIFT_FILMS_MIN = 3
WHOLE = "all (never trained on)"
PART = "those that training never saw"
BASELINE = "a logistic regression on 32 x 32 gray values"


def main() -> None:
    # 1. arguments
    parser = argparse.ArgumentParser(prog="python -m training evaluate", description=__doc__)
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
    parser.add_argument("--run", type=Path, help="the training run whose split.csv says which images are which")
    parser.add_argument("--compare", type=Path, nargs="*", default=[], help="other packages, on the same images")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--html", type=Path, help="where the page for people goes")
    parser.add_argument("--no-pictures", action="store_true", help="a page without radiographs, which may be published")
    parser.add_argument("--look", type=Path, nargs="*", default=[], help="folders of unlabelled files to score as well")
    parser.add_argument("--jpeg2000", action="store_true", help="measure reduced decoding, write it to manifest.yaml")
    arguments = parser.parse_args()
    package = open_package(arguments.folder)
    manifest = package.manifest
    if arguments.jpeg2000:
        where = recipe_cohorts(IN_THE_MANIFEST, arguments.data)
        prove_reduced(arguments.folder, manifest, package.graph, next(folder for _, folder in where.values()))
        return
    files = [file for file in (arguments.json, arguments.html) if file is not None]
    if not files:
        parser.error("give --json, --html or both")
    for file in files:
        if not file.parent.is_dir():
            parser.error(f"there is no folder {file.parent} for {file.name}")
    if arguments.run is not None and not (arguments.run / "split.csv").is_file():
        parser.error(f"{arguments.run} is no training run: it has no split.csv")
    for folder in arguments.look:
        if not folder.is_dir():
            parser.error(f"there is no folder {folder} to look at")
    others = [open_package(folder) for folder in arguments.compare]

    # 2. images: one split of the cohorts trained on, and of others the patients that training never saw
    trained_on = [cohort.name for cohort in manifest.cohorts]
    names = list(dict.fromkeys(arguments.cohorts or [*trained_on, *others_at_hand(trained_on)]))
    learned_from = load_recipe_data(trained_on, arguments.data, arguments.run and arguments.run / "split.csv")
    if arguments.run is None:
        check_division(manifest, learned_from, arguments.data)
    judged_parts = [name for name in names if name in trained_on]
    examples = [example for split in arguments.split for example in select(learned_from, split, judged_parts)]
    seen = [example for example in learned_from if example.split in LEARNED_FROM]
    known = recipe_cohorts(names, arguments.data)
    sources = {name: CohortFolder(folder, cohort.findings) for name, (cohort, folder) in known.items()}
    splits = dict.fromkeys(judged_parts, " + ".join(arguments.split))
    for name, (cohort, folder) in known.items():
        if name not in trained_on:
            whole = cohort.load(folder)
            new = unseen(whole, seen)
            splits[name] = WHOLE if len(new) == len(whole) else PART
            examples += new
    if not examples:
        raise SystemExit(f"no image of {', '.join(names)} is in {' + '.join(arguments.split)}")

    # 3. what this package, other packages and the baseline say of them
    galleries = {
        finding.name: Gallery(finding.name, finding.operating_threshold, len(manifest.findings))
        for finding in manifest.findings
    }
    cases = judge_examples(package, examples, sources, galleries)
    rivals = [Rival(BASELINE, baseline(select(learned_from, "train", trained_on), examples, manifest))]
    rivals += [rival(other, examples, sources) for other in others]

    # 4. the report, and what only training measures
    setting = Setting(
        title=f"{len(cases)} images of {', '.join(names)}{whether_seen(arguments.split)}",
        created=f"{datetime.now(UTC):%Y-%m-%d}",
        splits=splits,
    )
    report = build_report(manifest, cases, setting, rivals)
    report |= further(package, examples) | {"looked_at": look_at(arguments.look, package)}
    report["notes"] = notes(report)

    # 5. write
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    if arguments.html is not None:
        pictures = {} if arguments.no_pictures else {name: list(one.pictures()) for name, one in galleries.items()}
        arguments.html.write_text(draw_page(report, pictures), encoding="utf-8")
    for finding in report["findings"]:
        for group in finding["groups"]:
            print(summary(finding["name"], group))
    for note in report["notes"]:
        print(f"{note['title']}: {note['text']}")
    print(*(f"{file}: written" for file in files), sep="\n")


def check_division(manifest: Manifest, examples: Sequence[Example], data: Sequence[str]) -> None:
    """End the program where images without a published split are divided otherwise than for training.

    A film more or less moves others from one split to another: what was learned from would be judged.
    """
    for name, (cohort, folder) in recipe_cohorts([cohort.name for cohort in manifest.cohorts], data).items():
        if all(example.split for example in cohort.load(folder)):
            continue
        images = len(select(examples, "train", [name]))
        (trained_on,) = [cohort.images for cohort in manifest.cohorts if cohort.name == name]
        if images != trained_on:
            raise SystemExit(
                f"{name}: {images} images to learn from are here, the package learned from {trained_on}: the division "
                "is not that of its training. Give --run RUN, the folder of the run that it was made of"
            )


def whether_seen(splits: Sequence[str]) -> str:
    """What may be said of the images of these splits."""
    return ", part of which it learned from or was tuned on" if {*splits} & LEARNED_FROM else " that it never saw"


def others_at_hand(trained_on: Iterable[str]) -> tuple[str, ...]:
    """What else lies in the same manifest.csv and may be judged."""
    return NEVER_TRAINED_ON if IN_THE_MANIFEST & set(trained_on) else ()


def baseline(learning: Sequence[Example], examples: Sequence[Example], manifest: Manifest) -> list[dict[str, float]]:
    """Probabilities of a model without any idea of anatomy, by finding; none where training has only one class."""
    found: list[dict[str, float]] = [{} for _ in examples]
    unseen_inputs = load_model_inputs(examples, manifest.input)
    for finding in manifest.findings:
        labelled = [example for example in learning if finding.name in COHORTS[example.cohort].findings]
        positive = np.array([finding.name in example.findings for example in labelled])
        if len(set(positive.tolist())) < 2:
            continue
        scores = logistic_regression(load_model_inputs(labelled, manifest.input), positive, unseen_inputs)
        for one, probability in zip(found, scores.tolist(), strict=True):
            one[finding.name] = probability
    return found


def rival(package: Package, examples: Sequence[Example], sources: dict[str, CohortFolder]) -> Rival:
    cases = judge_examples(package, examples, sources)
    thresholds = {finding.name: finding.operating_threshold for finding in package.manifest.findings}
    return Rival(package.label, [case.probability for case in cases], thresholds)


def further(package: Package, examples: Sequence[Example]) -> dict[str, Any]:
    """Whether size or aspect leak, and whether the map lies where the picture is."""
    spec = package.manifest.input
    of_size_leak = [example for example in examples if example.cohort == SIZE_LEAK_COHORT]
    found: dict[str, Any] = {}
    if len({example.positive for example in of_size_leak}) == 2:
        names = [finding.name for finding in package.manifest.findings]
        for finding in [one for one in COHORTS[SIZE_LEAK_COHORT].findings if one in names]:
            place = names.index(finding)
            found["size_leak"] = measure_size_leak(of_size_leak, package.graph, spec, finding=finding, output=place)
    films = [example for example in examples if example.cohort in map_cohorts(examples)][::MAP_SHIFT_STEP]
    shift = mirror_shift(package.graph, load_model_inputs(films, spec), spec)
    if shift.films >= MAP_SHIFT_FILMS_MIN:
        found["map_shift"] = shift._asdict()
    return found


def map_cohorts(examples: Sequence[Example]) -> set[str]:
    """The films that kept their aspect, where there are any."""
    found = {example.cohort for example in examples}
    return found & {"kermany512", "nih512"} or found


def notes(report: dict[str, Any]) -> list[dict[str, str]]:
    """The further checks in words."""
    found = []
    if {group["cohort"] for finding in report["findings"] for group in finding["groups"]} >= SAME_FILMS:
        found.append(
            {
                "title": "Not independent",
                "text": f"{' and '.join(sorted(SAME_FILMS))} hold partly the same films in two sizes: they are not two "
                "independent results.",
            }
        )
    if "size_leak" in report:
        leak = report["size_leak"]
        found.append(
            {
                "title": "Size and aspect",
                "text": f"On {SIZE_LEAK_COHORT} the stored area alone would reach an AUC of {leak['area_alone']:.3f}. "
                f"The model has {leak['as_stored']:.4f}, {leak['resized']:.4f} when each film is resized to the size "
                f"of another, {leak['padded']:.4f} when it is padded to the aspect of another.",
            }
        )
    if "map_shift" in report:
        shift = report["map_shift"]
        found.append(
            {
                "title": "Place of the heat map",
                "text": f"Against mirror images of {shift['films']} films the map lies {abs(shift['x']):.1f} pixels of "
                f"the network's input to the {'right' if shift['x'] >= 0 else 'left'} of its place.",
            }
        )
    return found


def summary(finding: str, group: dict[str, Any]) -> str:
    """One line of a group's figures for the console."""
    shown = f"auc {decimal(group['auc'])}  sens {percent(group['sensitivity'])}  spec {percent(group['specificity'])}"
    declined = f", {group['declined']} declined" if group["declined"] else ""
    return (
        f"{finding}, {group['name']}: {group['images']} images{declined}  {shown}  ece {decimal(group['ece'])}  "
        f"brier {decimal(group['brier'])}"
    )


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
        converted = convert(file, package.manifest.input, use, PREVIEW_SIDE_MAX, PIXELS_MAX)
    except ConverterError as error:
        return error.code, None
    if isinstance(converted, Declined):
        return converted.code, None
    ((probability, _, refused),) = scores_of(package, [converted])
    return (refused.code, None) if refused is not None else ("analysed", float(probability[0]))


if __name__ == "__main__":
    main()
