"""Write a recipe, and cohort.yaml beside the pictures, from a folder of labelled pictures of your own.

FOLDER holds a folder for each class, or labels.csv (path,label[,patient_id,split,view,sex,age]); PNG, JPEG or DICOM.
Every picture is read: what cannot be read, what is there twice, whose they are and how they would be divided is told.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from converter.errors import ConverterError
from converter.evaluation.figures import PATIENTS_MIN
from converter.package.section import Name
from training.data.cohorts import COHORTS, Example, cohort_at
from training.data.cohorts.newcomer import look_into
from training.data.cohorts.own_data import FILE, is_known
from training.data.enough import check_enough
from training.data.images import open_gray
from training.data.same_pictures import check_same_pictures, copies
from training.data.splits import LEFT_OUT, SPLITS, divide
from training.learning.first_recipe import TO_BE_SAID, Said, cohort_yaml, recipe_yaml
from training.learning.recipe import Recipe, load_recipe

UNREADABLE_SHOWN_MAX = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", required=True, type=cohort_name, help="of cohort and recipe, such as st-elsewhere")
    parser.add_argument("--out", type=Path, help="the recipe (default: NAME.yaml)")
    parser.add_argument("--normal", action="append", default=[], metavar="LABEL", help="means that nothing was found")
    parser.add_argument("--patients", metavar="PATTERN", help="which part of a file's name is the patient: '^([^_]+)_'")
    parser.add_argument("--by", default="", metavar="WHO", help="who makes the model; reports name them")
    parser.add_argument("--licence", default="", help="who allowed the use of the pictures")
    parser.add_argument("--citation", default="", help="whose pictures they are, and of which year")
    parser.add_argument("--population", default="", help="who the patients are, and which views")
    parser.add_argument("--ages", nargs=2, type=float, metavar=("LEAST", "MOST"), help="of the patients, in years")
    parser.add_argument("--statement", default="", help="the intended use, which goes into every report")
    parser.add_argument("--limit", action="append", default=[], help="what these pictures cannot carry")


def cohort_name(text: str) -> str:
    """A `type` for argparse: small letters, digits and hyphens, and not the name of a published cohort."""
    try:
        name = TypeAdapter(Name).validate_python(text)
    except ValidationError:
        raise argparse.ArgumentTypeError(f"{text}: small letters, digits and hyphens only") from None
    if name in COHORTS:
        raise argparse.ArgumentTypeError(f"{text} is a published cohort: take another name")
    return name


def run(arguments: argparse.Namespace) -> None:
    # 1. what lies there
    folder, out, said = arguments.folder, arguments.out or Path(f"{arguments.name}.yaml"), said_by(arguments)
    if out.exists():
        raise SystemExit(f"{out} is there already: give another --out or --name")
    found = look_into(folder)

    # 2. cohort.yaml, unless somebody has written one
    described = (folder / FILE).exists()
    if not described:
        write(folder / FILE, cohort_yaml(said, list(found.labels), found.normal(arguments.normal)))
    try:
        examples = all_pictures(arguments.name, folder)
    except SystemExit:
        if not described:
            (folder / FILE).unlink()
        raise

    # 3. the recipe
    write(out, recipe_yaml(said, COHORTS[arguments.name].findings, out))
    print("" if described else f"{folder / FILE}: written\n", f"{out}: written", sep="")
    tell(examples, load_recipe(out), folder, out)


def all_pictures(name: str, folder: Path) -> list[Example]:
    """Every picture of the cohort, read; ends the program where they are not enough, or not as they should be."""
    COHORTS[name] = cohort = cohort_at(name, folder)
    examples = read_all(cohort.load(folder))
    check_same_pictures(examples)
    check_enough(examples, cohort.findings)
    return examples


def said_by(arguments: argparse.Namespace) -> Said:
    return Said(
        name=arguments.name,
        manufacturer=arguments.by,
        licence=arguments.licence,
        citation=arguments.citation,
        population=arguments.population,
        statement=arguments.statement,
        limits=tuple(arguments.limit),
        ages=None if arguments.ages is None else (arguments.ages[0], arguments.ages[1]),
        patient_pattern=arguments.patients,
    )


def write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SystemExit(
            f"{file}: cannot be written: {error.strerror}. Pictures on a disk that cannot be written to are named by "
            "labels.csv (path,label; whole paths) in a folder of yours"
        ) from error


def read_all(examples: list[Example]) -> list[Example]:
    """`examples`; ends the program with the names of those that cannot be read."""
    broken = []
    for example in examples:
        try:
            open_gray(example.path)
        except ConverterError as error:
            broken.append(f"{example.path}: {error}")
    if broken:
        more = f"\nand {len(broken) - UNREADABLE_SHOWN_MAX} more" if len(broken) > UNREADABLE_SHOWN_MAX else ""
        raise SystemExit(
            "\n".join(broken[:UNREADABLE_SHOWN_MAX])
            + f"{more}\n{len(broken)} of {len(examples)} pictures cannot be read: take them away, or replace them"
        )
    return examples


def tell_of_few(finding: str, measured: Sequence[Example]) -> None:
    """Warn where devtest has too few patients of a class for a figure to be stated."""
    having = {example.patient_id for example in measured if finding in example.findings}
    without = {example.patient_id for example in measured} - having
    if min(len(having), len(without)) < PATIENTS_MIN:
        print(
            f"  devtest has {len(having)} patients with it and {len(without)} without: no figure will be stated for "
            f"fewer than {PATIENTS_MIN} of either. About 40 of each class give that"
        )


def tell(examples: Sequence[Example], recipe: Recipe, folder: Path, out: Path) -> None:
    """Counts, the division that `train` will make, what is open, and what to type next."""
    divided = divide(examples)
    patients = {example.patient_id for example in examples}
    whose = f"{len(patients)} patients" if all(map(is_known, patients)) else "patients unknown"
    print(f"{len(examples)} pictures, {whose}, {copies(examples)} copies of others")
    for label in sorted({example.label for example in examples}):
        counts = Counter(example.split for example in divided if example.label == label)
        parts = ", ".join(f"{split} {counts[split]}" for split in (*SPLITS, LEFT_OUT) if counts[split])
        print(f"  {label}: {parts}")
    for finding in recipe.findings:
        code = finding.concept
        print(f"finding {finding.name}: {code.meaning} ({code.scheme} {code.value})")
        tell_of_few(finding.name, [example for example in divided if example.split == "devtest"])
    for file in (out, folder / FILE):
        if TO_BE_SAID in file.read_text(encoding="utf-8"):
            print(f"{file}: complete the lines with '{TO_BE_SAID.strip()}' before `package`")
    print(f"next: python -m training train {out} --name {recipe.name} --data {recipe.name}={folder}")
