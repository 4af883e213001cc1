"""The radiographs to learn from: one Example a row of manifest.csv, and what is known about each cohort.

A cohort is one source of images. Data that cannot be had lawfully is not listed; training/LOG.md says what is missing.
"""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

DATA_VARIABLE = "HILUM_DATA"
NEGATIVE_LABEL = "NORMAL"


@dataclass(frozen=True)
class CohortFacts:
    licence: str
    citation: str
    population: str


COHORTS: dict[str, CohortFacts] = {
    "kermany224": CohortFacts(
        "CC BY 4.0",
        "Kermany, Zhang, Goldbaum: Labeled OCT and Chest X-Ray Images, Mendeley Data, doi 10.17632/rscbjbr9sj; "
        "Kermany et al., Cell 172 (2018) 1122-1131",
        "children of 1 to 5 years, one hospital (Guangzhou), AP; squashed to 224 x 224, JPEG",
    ),
    "kermany512": CohortFacts(
        "CC BY 4.0",
        "Kermany, Zhang, Goldbaum: Labeled OCT and Chest X-Ray Images, Mendeley Data, doi 10.17632/rscbjbr9sj; "
        "Kermany et al., Cell 172 (2018) 1122-1131",
        "a subset of the same films from the full-resolution originals, aspect kept, long side 512, JPEG",
    ),
    "nih512": CohortFacts(
        "NIH Clinical Center: use unrestricted, with link, acknowledgement and citation",
        "NIH Clinical Center ChestX-ray14, https://nihcc.app.box.com/v/ChestXray-NIHCC; "
        "Wang et al., CVPR 2017, doi 10.1109/CVPR.2017.369",
        "mostly adults, one hospital (Bethesda), PA and AP; labels text-mined from reports",
    ),
    "hannover512": CohortFacts(
        "CC BY 3.0",
        "Winther et al.: COVID-19 Image Repository, Hannover Medical School, doi 10.6084/m9.figshare.12275009",
        "adults with COVID-19, one hospital (Hannover), AP and PA; the label is the patient's, not the image's",
    ),
}


@dataclass(frozen=True)
class Example:
    """One image with its label. `path` is relative to the data folder; age_years is None where nobody says it."""

    path: str
    cohort: str
    positive: bool
    split: str
    patient_id: str
    view: str
    age_years: float | None


def data_folder(given: Path | None) -> Path:
    """The folder that holds manifest.csv: `given`, or cxr/ in the folder named by HILUM_DATA."""
    named = os.environ.get(DATA_VARIABLE)
    folders = [given] if given else [Path(named) / "cxr", Path(named)] if named else [Path("../shared/data/cxr")]
    for folder in folders:
        if (folder / "manifest.csv").is_file():
            return folder
    raise SystemExit(f"no manifest.csv in {' or '.join(map(str, folders))}: give --data, or set {DATA_VARIABLE}")


def load_examples(folder: Path) -> list[Example]:
    """Every row of `folder`/manifest.csv, in the order of the file."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return [_example(row) for row in csv.DictReader(file)]


def _example(row: dict[str, str]) -> Example:
    cohort = row["path"].split("/")[0]
    age = re.search(r"\bage (\d+)", row["notes"])
    return Example(
        path=row["path"],
        cohort=cohort,
        positive=row["label"] != NEGATIVE_LABEL,
        split=row["split_suggested"],
        patient_id=row["patient_id"],
        view=row["view"],
        age_years=float(age.group(1)) if age else None,
    )
