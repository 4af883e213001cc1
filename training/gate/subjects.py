"""What a gate is for: the pictures that it accepts, what it tells them from, and where both come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from converter.package.gate import Gate
from training.data.cohorts import COHORTS, Example, load_examples
from training.gate.films import EITHER, Way, part, rotated
from training.gate.kinds import BRAIN_KINDS, BRAIN_LIMITS, CHEST_KINDS, CHEST_LIMITS, RefusalKind
from training.gate.sources import (
    BONE,
    BRAIN_TISSUE,
    DATA,
    DATA_STORE,
    SOFT,
    SOURCES,
    Source,
    cohort_films,
    computed_head_ct,
    dicom_files,
    slices,
)


@dataclass(frozen=True)
class Subject:
    """name: of the command line.

    kinds: the accepted one first; limits: for manifest and card.
    examples: the folder of manifest.csv -> pictures to accept; learned: their cohorts; unseen: one only measured.
    ways: what is made of accepted pictures, by kind; made_shares, other_shares: the weight of each kind among the
    refused of a batch.
    """

    name: str
    kinds: tuple[RefusalKind, ...]
    limits: tuple[str, ...]
    examples: Callable[[Path], list[Example]]
    learned: tuple[str, ...]
    unseen: str
    ways: Mapping[str, Way]
    made_shares: Mapping[str, float]
    other_shares: Mapping[str, float]
    sources: tuple[Source, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(kind.name for kind in self.kinds)

    @property
    def accepted(self) -> str:
        return self.kinds[0].name


# Heads in MR: to a gate for slices of brains they are neither what it is for nor what it must refuse.
HEADS = ("head in MR", "heads in MR", "monkey", "MNI", "CT, MR and US", "web viewers")
AS_SEEN_BESIDE_A_BRAIN = {
    "frontal-chest": "radiograph",
    "inverted": "radiograph",
    "lateral-chest": "radiograph",
    "other-radiograph": "radiograph",
    "other-modality": "other-slice",
}
FREE = "CC BY 4.0; NIH: use unrestricted; CC BY 3.0"
BESIDE_A_BRAIN = (
    Source("chest radiographs of children", "radiograph", "train", FREE, "kermany224",
           cohort_films("kermany224", "train", 600)),
    Source("chest radiographs of adults", "radiograph", "train", FREE, "nih512", cohort_films("nih512", "train", 400)),
    Source("chest radiographs of another hospital", "radiograph", "measure", FREE, "hannover512",
           cohort_films("hannover512", "", 172)),
    Source("slices of a computed head CT", "other-slice", "train", "BSD-3-Clause (mricron-data)",
           "ch2, as a CT would be", slices(computed_head_ct, (SOFT, BONE, BRAIN_TISSUE), 400)),
    Source("CT and US samples", "other-slice", "train", DATA_STORE, "pydicom-data",
           dicom_files(f"{DATA}/693_UNCR.dcm", f"{DATA}/JPEG-LL.dcm", f"{DATA}/US1_UNCR.dcm",
                       f"{DATA}/eCT_Supplemental.dcm", each=40)),
)  # fmt: skip

CHEST = Subject(
    "chest",
    CHEST_KINDS,
    CHEST_LIMITS,
    load_examples,
    ("kermany224", "kermany512", "nih512"),
    "hannover512",
    {**EITHER, "rotated": rotated, "part-of-chest": part},
    {"inverted": 0.13, "rotated": 0.17, "part-of-chest": 0.20, "photographed-screen": 0.10, "unreadable": 0.12},
    {"lateral-chest": 0.14, "other-radiograph": 0.18, "other-modality": 0.10, "picture": 0.12, "noise": 0.08},
    SOURCES,
)
BRAIN = Subject(
    "brain",
    BRAIN_KINDS,
    BRAIN_LIMITS,
    lambda data: COHORTS["brain_kinds"].load(data.parent / "brain"),
    ("brain_kinds",),
    "",
    {**EITHER, "part-of-head": part},
    {"inverted": 0.13, "part-of-head": 0.19, "photographed-screen": 0.14, "unreadable": 0.15},
    {"radiograph": 0.14, "other-slice": 0.20, "picture": 0.18, "noise": 0.08},
    (
        *BESIDE_A_BRAIN,
        *(
            replace(source, kind=AS_SEEN_BESIDE_A_BRAIN.get(source.kind, source.kind))
            for source in SOURCES
            if not any(head in source.name for head in HEADS)
        ),
    ),
)
SUBJECTS = {subject.name: subject for subject in (CHEST, BRAIN)}


def subject_of(gate: Gate) -> Subject:
    """What a fitted gate is for, by the kind that it accepts. Ends the program where nothing here is."""
    accepted = gate.kinds[0].name
    for subject in SUBJECTS.values():
        if subject.accepted == accepted:
            return subject
    raise SystemExit(f"no gate for {accepted} is known here; known are {', '.join(SUBJECTS)}")
