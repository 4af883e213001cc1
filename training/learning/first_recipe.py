"""The recipe and cohort.yaml of a first model, written from what lies in a folder and what somebody said of it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from converter.package.concept import Concept

TEMPLATE = Path(__file__).parents[2] / "config" / "training" / "own-data.yaml"
# Stands where only a person can say what is true; `package` refuses a recipe or cohort in which it is left.
TO_BE_SAID = "TO BE SAID: "
# By the letters of a finding's name. SNOMED CT; whatever is not in here gets a code of its own.
CONCEPTS = {
    "pneumonia": ("233604007", "Pneumonia"),
    "covid": ("840539006", "COVID-19"),
    "covid19": ("840539006", "COVID-19"),
    "tuberculosis": ("154283005", "Pulmonary tuberculosis"),
    "pneumothorax": ("36118008", "Pneumothorax"),
    "effusion": ("60046008", "Pleural effusion"),
    "pleuraleffusion": ("60046008", "Pleural effusion"),
    "cardiomegaly": ("8186001", "Cardiomegaly"),
    "atelectasis": ("46621007", "Atelectasis"),
    "emphysema": ("87433001", "Pulmonary emphysema"),
}
OWN_SCHEME = "99LOCAL"


@dataclass(frozen=True)
class Said:
    """What a person said on the command line; empty where they did not. ages: least and most, in years."""

    name: str
    manufacturer: str = ""
    licence: str = ""
    citation: str = ""
    population: str = ""
    statement: str = ""
    limits: tuple[str, ...] = ()
    ages: tuple[float, float] | None = None
    patient_pattern: str | None = None

    def or_open(self, key: str, question: str) -> str:
        return getattr(self, key) or f"{TO_BE_SAID}{question}"


def finding_name(label: str) -> str:
    """A label as a finding is called: small letters, digits and hyphens."""
    name = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:63].strip("-")
    if not name:
        raise SystemExit(f"the label {label!r} has no letter of a to z, by which a finding is named: rename the class")
    return name


def concept_of(name: str) -> Concept:
    """A code of SNOMED CT where the name is known; else one of your own (PS3.16 8.2: schemes that begin with 99)."""
    value, meaning = CONCEPTS.get(name.replace("-", ""), ("", ""))
    if value:
        return Concept(value=value, scheme="SCT", meaning=meaning)
    return Concept(value=name[:16].upper(), scheme=OWN_SCHEME, meaning=name.replace("-", " ").capitalize()[:64])


def cohort_yaml(said: Said, labels: Sequence[str], normal: Sequence[str]) -> str:
    """What the pictures are: cohort.yaml."""
    settings: dict[str, Any] = {
        "name": said.name,
        "licence": said.or_open("licence", "who allowed their use, such as an ethics vote"),
        "citation": said.or_open("citation", "whose films, and of which year"),
        "population": said.or_open("population", "who the patients are, and which views"),
        "labels": {label: [] if label in normal else [finding_name(label)] for label in labels},
    }
    if said.patient_pattern is not None:
        settings["patient_pattern"] = said.patient_pattern
    return "# What these pictures are: see training/data/cohorts/own_data.py\n" + _dumped(settings)


def recipe_yaml(said: Said, findings: Sequence[str], out: Path) -> str:
    """A recipe that makes its own statements and takes network and schedule of own-data.yaml."""
    concepts = {name: concept_of(name) for name in findings}
    wanted = ", ".join(concept.meaning for concept in concepts.values())
    low, high = said.ages or (0, 120)
    open_ages = "" if said.ages else f"{TO_BE_SAID}the ages of your patients, and why not others"
    settings: dict[str, Any] = {
        "extends": os.path.relpath(TEMPLATE, out.absolute().parent),
        "name": said.name,
        "title": f"{wanted} on frontal chest radiographs ({said.name})",
        "manufacturer": said.or_open("manufacturer", "who makes this model"),
        "findings": [
            {"name": name, "concept": concept.model_dump(), "positive_means": f"labelled {name} in {said.name}"}
            for name, concept in concepts.items()
        ],
        "intended_use": {
            "modalities": ["CR", "DX"],
            "body_parts": ["CHEST"],
            "views": ["PA", "AP"],
            "ages": {"min_years": low, "max_years": high, "reason": open_ages or "it learned from these ages only"},
            "statement": said.or_open("statement", "research use only; what it marks, for whom, from whose films"),
            "limits": list(said.limits) or [f"{TO_BE_SAID}what these films cannot carry"],
        },
        "cohorts": {said.name: {"per_class": 8, "label_smoothing": 0.05}},
        "operating_point": {"decided_on": [said.name], "guarded": [said.name], "sensitivity_min": 0.9},
    }
    comment = "# Network and schedule are those of own-data.yaml, whose comments say what each line means.\n"
    return comment + _dumped(settings)


def _dumped(settings: dict[str, Any]) -> str:
    return str(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=120))
