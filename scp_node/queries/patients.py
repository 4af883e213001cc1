"""Whose study it is, and the studies of a patient who is looked for by ID or name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from converter.result.patient import Patient
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t

STUDIES_MAX = 200
# As many images of one patient, or of patients whose names begin alike, are looked at.
IMAGES_MAX = 5_000
CHARACTERS_MAX = 200
# From here on letters are those of a second or third writing (PS3.5 6.2.1.1): radicals, kana, ideographs, hangul.
FIRST_IDEOGRAPH = "\u2e80"
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class PatientFilter:
    """id: the whole Patient ID. name: how a name begins, with its components parted by ^, comma or blank, or one of its
    writings in ideographs. Capitals do not matter. One of both is enough."""

    id: str = ""
    name: str = ""

    @property
    def is_empty(self) -> bool:
        return "\0" in self.id + self.name or not (self.id.strip() or self.name.strip())


@dataclass(frozen=True)
class StudiesOfPatient:
    """UIDs, those that came last first; `is_whole`: there are no others."""

    study_instance_uids: tuple[str, ...]
    is_whole: bool


def patients_of(tx: Transaction, study_instance_uid: str) -> tuple[Patient, ...]:
    """The patients that the headers of a study name, each once; none where no image was looked at yet."""
    return tuple(dict.fromkeys(tx.versions.patients_of_study(study_instance_uid).values()))


def studies_of_patient(tx: Transaction, wanted: PatientFilter) -> StudiesOfPatient:
    """At most STUDIES_MAX. Only images that a worker has looked at are found: before, nobody knows whose they are."""
    if wanted.is_empty:
        return StudiesOfPatient((), True)
    names = list(_names(tx, wanted.name))
    if wanted.id.strip():
        named = [sa.or_(*names)] if names else []
        found = _any(
            [_images(t.version.c.patient_id, t.PATIENT_ID.in_([one]), *named) for one in _spellings(wanted.id)]
        )
    else:
        found = _any([_images(t.version.c.patient_name, one) for one in names])
    uids = tx.connection.execute(found).scalars().all()
    mine = t.study.c.study_instance_uid.in_(set(uids))
    order = (t.study.c.first_received_at.desc(), t.study.c.study_instance_uid)
    ordered = sa.select(t.study.c.study_instance_uid).where(mine).order_by(*order).limit(STUDIES_MAX + 1)
    newest = tx.connection.execute(ordered).scalars().all() if uids else []
    is_whole = len(newest) <= STUDIES_MAX and len(uids) < IMAGES_MAX
    return StudiesOfPatient(tuple(newest[:STUDIES_MAX]), is_whole)


_JUDGED = sa.and_(
    t.version.c.sop_instance_uid == t.instance.c.sop_instance_uid, t.version.c.version == t.instance.c.judged_version
)


def _images(stated: sa.Column[str], *conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[str]]:
    """The studies of images that are so; each spelling is looked for by itself, so that the index leads to it."""
    mine = sa.select(t.instance.c.study_instance_uid).join(t.version, _JUDGED).where(stated.is_not(None), *conditions)
    return sa.select(mine.limit(IMAGES_MAX).subquery().c.study_instance_uid)


def _any(selects: Sequence[sa.Select[tuple[str]]]) -> sa.CompoundSelect[tuple[str]]:
    return sa.union_all(*selects).limit(IMAGES_MAX)


def _names(tx: Transaction, name: str) -> Iterator[sa.ColumnElement[bool]]:
    """What a name may look like in the ledger. Ideographs stand behind the Latin letters, where no index leads: for
    these the index of names is read, and nothing else."""
    for text in _written(name):
        for spelling in _spellings(text):
            if tx.connection.dialect.name == "sqlite":  # which goes by an index for >= and <, and not for LIKE
                yield sa.and_(spelling <= t.PATIENT_NAME, spelling + _LAST > t.PATIENT_NAME)
            else:
                yield t.PATIENT_NAME.startswith(spelling, autoescape=True)
        if any(letter >= FIRST_IDEOGRAPH for letter in text):
            yield t.PATIENT_NAME.contains(f"={text.lower()}", autoescape=True)


def _written(name: str) -> Iterator[str]:
    """As a header has it, "Family^Given" (PS3.5 6.2.1.2): a comma ends the family name, and so may any blank."""
    text = " ".join(name[:CHARACTERS_MAX].split())
    if not text:
        return
    family, comma, given = text.partition(",")
    if comma and "^" not in text:
        yield "^".join((family.strip(), given.strip())) if given.strip() else family.strip()
        return
    yield text
    words = text.split(" ")
    for place in range(1, min(len(words), 4)) if "^" not in text else ():
        yield " ".join(words[:place]) + "^" + " ".join(words[place:])


def _spellings(text: str) -> set[str]:
    """In small letters, as databases know these: PostgreSQL all of them, SQLite those without accents."""
    text = text.strip()[:CHARACTERS_MAX]
    return {_ascii_lower(one) for one in (text.lower(), text.upper(), text.title())} - {""}


def _ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
