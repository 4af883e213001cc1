"""What a hospital says about its own images: cohort.yaml beside them.

name: st-elsewhere            # cohort's name in reports and packages
licence: internal, ethics vote 12/2026
citation: St. Elsewhere Hospital, 2026
population: adults of the emergency department, AP and PA
labels:                       # each label -> findings that are present (none: an empty list)
  normal: []
  pneumonia: [pneumonia]
patient_pattern: "^([^_]+)_"  # image folder: what in a file's name is the patient; or patients.csv, or DICOM headers

`python -m training init-recipe FOLDER` writes one. Of whom nobody says whose they are, each file counts as a patient.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, field_validator

from converter.package.section import Name, PackageSection
from training.data.cohorts.cohort import About, WrongLayout
from training.data.cohorts.layout import found_in, text_of

ABOUT = About(
    licence="yours, as cohort.yaml states it",
    citation="yours, as cohort.yaml states it",
    population="yours, as cohort.yaml states it",
    findings=(),
)
FILE = "cohort.yaml"
SPLITS = ("train", "val", "devtest", "test")
AGE = re.compile(r"0*(\d{1,3})([DWMY]?)")
# Begins the pseudonym of an image of which nobody says whose it is.
NOBODY = "file-"
YEARS_PER_UNIT = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0, "": 1.0}


class OwnCohort(PackageSection):
    """The content of cohort.yaml."""

    name: Name
    licence: str = Field(min_length=1)
    citation: str = Field(min_length=1)
    population: str = Field(min_length=1)
    labels: dict[str, tuple[Name, ...]] = Field(min_length=1)
    patient_pattern: str | None = None

    @field_validator("patient_pattern")
    @classmethod
    def _has_one_group(cls, pattern: str | None) -> str | None:
        try:
            groups = 1 if pattern is None else re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from error
        if groups != 1:
            raise ValueError("the pattern needs one pair of parentheses, round what is the patient")
        return pattern

    @property
    def about(self) -> About:
        findings = dict.fromkeys(finding for present in self.labels.values() for finding in present)
        return About(self.licence, self.citation, self.population, tuple(findings))

    def findings(self, label: str, where: str) -> frozenset[str]:
        if label not in self.labels:
            raise WrongLayout(f"{where}: expected one of the labels {', '.join(self.labels)}, found {label or 'none'}")
        return frozenset(self.labels[label])

    def patient(self, identity: str) -> str:
        """A pseudonym: what a run writes down must not name a patient of the hospital."""
        return f"{self.name}:{self._hashed(identity)}"

    def patient_of_file(self, file: str) -> str:
        """The pseudonym of an image of which nobody says whose it is: a patient of its own."""
        return f"{self.name}:{NOBODY}{self._hashed(file)}"

    def _hashed(self, identity: str) -> str:
        return hashlib.sha256(f"{self.name}\0{identity}".encode()).hexdigest()[:16]


def is_known(patient_id: str) -> bool:
    """Whether somebody said whose the image is."""
    return not patient_id.partition(":")[2].startswith(NOBODY)


def tell_of_unknown_patients(folder: Path, patient_ids: Sequence[str]) -> None:
    """Warn where images count as patients of their own, because nobody says whose they are."""
    unknown = sum(not is_known(one) for one in patient_ids)
    if unknown:
        print(
            f"{folder}: of {unknown} of {len(patient_ids)} images nobody says whose they are; each counts as a patient "
            "of its own. Where a patient has several, what is measured was learned from: give patient_id in a table, "
            f"patient_pattern in {FILE}, or DICOM headers",
            file=sys.stderr,
        )


def read_own_cohort(folder: Path) -> OwnCohort:
    """cohort.yaml of `folder`, every fault in one sentence."""
    file = folder / FILE
    if not file.is_file():
        raise WrongLayout(f"{folder}: expected {FILE}, found {found_in(folder)}")
    try:
        # every value is a text: a label named yes or no must not become true or false
        return OwnCohort.model_validate(yaml.load(text_of(file), Loader=yaml.BaseLoader))
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in error.errors())
        raise WrongLayout(f"{file}: {'; '.join(faults)}") from error
    except yaml.YAMLError as error:
        raise WrongLayout(f"{file}: expected YAML, {error}") from error


def checked_split(stated: str, where: str) -> str:
    """The split that a table states; empty where it is to be decided."""
    if stated and stated not in SPLITS:
        raise WrongLayout(f"{where}: expected a split of {', '.join(SPLITS)}, found {stated}")
    return stated


def age_in_years(text: str) -> float | None:
    """`58`, `058Y`, `7M`: years; None for an empty or strange text."""
    stated = AGE.fullmatch(text.strip().upper())
    return int(stated[1]) * YEARS_PER_UNIT[stated[2]] if stated else None
