"""Kermany's chest radiographs of children as published: by Kaggle (train, test, val), and on Mendeley (train, test).

Kaggle names files person1_bacteria_2.jpeg, IM-0115-0001.jpeg and NORMAL2-IM-0841-0001.jpeg; the Mendeley archive names
the same films BACTERIA-1008087-0001.jpeg, VIRUS-..., NORMAL-1003233-0001.jpeg. The published test part numbers its
persons anew (test has a person1 too): that the same number means another child there is what the publication implies
by "independent patients"; it could not be verified. The published val part has 16 images, too few for anything, and
continues the numbers of train: both are divided anew, by patient; the test part stays apart.
"""

from __future__ import annotations

import re
from pathlib import Path

from training.data.cohorts.cohort import NOTHING, About, Example, WrongLayout
from training.data.cohorts.layout import images_in, root_of

ABOUT = About(
    licence="CC BY 4.0",
    citation="Kermany, Zhang, Goldbaum: Labeled OCT and Chest X-Ray Images, Mendeley Data, doi 10.17632/rscbjbr9sj; "
    "Kermany et al., Cell 172 (2018) 1122-1131",
    population="children of 1 to 5 years, one hospital (Guangzhou), AP",
    findings=("pneumonia", "bacterial-pneumonia", "viral-pneumonia"),
)
LAYOUT = "chest_xray/{train,test,val}/{NORMAL,PNEUMONIA}/*.jpeg; val is in the Kaggle copy only"
FINDINGS = {"NORMAL": NOTHING, "PNEUMONIA": frozenset({"pneumonia"})}
# What in a file's name is the patient, and what is the cause.
NAMINGS = (
    re.compile(r"(?P<patient>person\d+)_(?P<cause>bacteria|virus)_\d+"),
    re.compile(r"(?P<patient>(?:NORMAL\d*-)?IM-\d+)-\d+"),
    re.compile(r"(?P<cause>BACTERIA|VIRUS|NORMAL)-(?P<patient>\d+)-\d+"),
)
CAUSES = {"bacteria": "bacteria", "virus": "virus", "normal": ""}
CAUSED = {"bacteria": frozenset({"bacterial-pneumonia"}), "virus": frozenset({"viral-pneumonia"}), "": NOTHING}


def load(folder: Path) -> list[Example]:
    """Every film of the parts that are there; train and test have to be."""
    root = root_of(folder, "chest_xray", "CellData/chest_xray", "chest_xray/chest_xray", holds=("train", "test"))
    parts = [part for part in ("train", "val", "test") if (root / part).is_dir()]
    return [
        _example(file, part, label) for part in parts for label in FINDINGS for file in images_in(root / part / label)
    ]


def _example(file: Path, part: str, label: str) -> Example:
    named = next((match for naming in NAMINGS if (match := naming.match(file.stem))), None)
    if named is None:
        raise WrongLayout(
            f"{file}: expected a name such as person1_bacteria_2, IM-0115-0001 or BACTERIA-1008087-0001, "
            f"found {file.stem}"
        )
    cause = CAUSES[named.groupdict().get("cause", "normal").lower()]
    numbering = "test" if part == "test" else "train"
    return Example(
        path=file,
        cohort="kermany",
        label=label,
        findings=FINDINGS[label] | CAUSED[cause],
        split="test" if part == "test" else "",
        patient_id=f"kermany:{numbering}:{named['patient']}",
        view="AP",
        sublabel=cause,
        part=part,
    )
