"""Whose image it is: patients are compared as headers name them, and a study's images are told from a stranger's.

Names are spelled and identifiers stated differently by every device, so that the comparison is by rule:

- two stated Patient IDs decide: the same ID is the same patient, unless both state an issuer or a birth date and these
  differ; different IDs are different patients, whatever else agrees. A name does not contradict an ID: names change.
- where an ID is missing, name and birth date must not contradict each other, and at least one of them must agree.
- who states nothing is nobody's: such images belong to each other only.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

CANDIDATES_MAX = 32
_ACCENTS = re.compile("[\u0300-\u036f]")


@dataclass(frozen=True)
class Patient:
    """What a header says of its patient, as decoded text for showing; empty = not stated. name: up to three component
    groups joined by "=" (PS3.5 6.2.1)."""

    id: str = ""
    id_issuer: str = ""
    name: str = ""
    birth_date: str = ""

    @cached_property
    def compared(self) -> Compared:
        return Compared(_folded(self.id), _folded(self.id_issuer), _name_groups(self.name), _date(self.birth_date))


@dataclass(frozen=True)
class Compared:
    """A patient in the form in which two are compared. name: one text a component group, empty where there is none."""

    id: str
    id_issuer: str
    name: tuple[str, ...]
    birth_date: str

    def is_same(self, other: Compared) -> bool:
        """Whether both may be one patient, by the rules above."""
        if self == other:
            return True
        same_id, same_date = _agreement(self.id, other.id), _agreement(self.birth_date, other.birth_date)
        if same_id is False or same_date is False:
            return False
        if same_id:
            return _agreement(self.id_issuer, other.id_issuer) is not False
        same_name = _name_agreement(self.name, other.name)
        return same_name is not False and bool(same_name or same_date)

    def with_what(self, other: Compared) -> Compared:
        """This patient, with what only `other` states."""
        return Compared(
            self.id or other.id,
            self.id_issuer or other.id_issuer,
            tuple(mine or theirs for mine, theirs in zip_longest(self.name, other.name, fillvalue="")),
            self.birth_date or other.birth_date,
        )


def of_one_patient(patients: Sequence[Patient | None]) -> list[bool]:
    """Which of the images, in the order in which they were received, belong to the patient of their study.

    That is the patient of most images; who states a Patient ID comes before all who do not, and of equals the one who
    came first. An image of which no header can be read (None) stays: nothing of it is shown but its UID. Where headers
    state more than CANDIDATES_MAX patients, it is one of those with the most images: every candidate is compared with
    every header, and a study may bring thousands of them.
    """
    counts = Counter(patient.compared for patient in patients if patient is not None)
    # what states most comes first, so that what states little joins the patient whom all of it fits
    ordered = sorted(counts, key=lambda one: (not one.id, not any(one.name), not one.birth_date))
    candidates = [one for one in counts if one.id or not ordered[0].id]
    frequent = set(sorted(candidates, key=counts.__getitem__, reverse=True)[:CANDIDATES_MAX])
    groups = [_group(first, ordered) for first in candidates if first in frequent]
    chosen = max(groups, key=lambda group: sum(counts[one] for one in group), default=set[Compared]())
    return [patient is None or patient.compared in chosen for patient in patients]


def _group(first: Compared, ordered: Sequence[Compared]) -> set[Compared]:
    """The patient `first` with all that may be the same one; what one of them states counts for those that follow."""
    known, group = first, {first}
    for other in ordered:
        if other.is_same(known):
            known = known.with_what(other)
            group.add(other)
    return group


def _agreement(one: str, other: str) -> bool | None:
    """None where one of them states nothing."""
    return one == other if one and other else None


def _name_agreement(one: tuple[str, ...], other: tuple[str, ...]) -> bool | None:
    """By the component groups that both have: the same name may come in Latin letters, in ideographs, or in both."""
    both = [mine == theirs for mine, theirs in zip(one, other, strict=False) if mine and theirs]
    return all(both) if both else None


def _folded(text: str) -> str:
    """Without case and accents, which not every device can write."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFC", text).casefold())
    return " ".join(unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed)).split())


def _name_groups(name: str) -> tuple[str, ...]:
    """Without empty components at the end, and without blanks around any of them."""
    groups = ("^".join(part.strip() for part in group.split("^")).rstrip("^") for group in _folded(name).split("="))
    return tuple(groups)


def _date(text: str) -> str:
    """Eight digits, or nothing where it is no date: 1970.01.31 is how older devices write (PS3.5 6.2)."""
    digits = re.sub(r"[.\-/ ]", "", text)
    return digits if re.fullmatch(r"(?!0000)\d{4}(?!00)\d{2}(?!00)\d{2}", digits) and digits.isascii() else ""
