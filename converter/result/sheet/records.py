"""What the one-page report tells, as records: no DICOM, and no form of a page yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["present", "absent", "not analysed"]


@dataclass(frozen=True)
class SheetFinding:
    """A finding of one film. percent: as the report states it. where: side and zone of each region, or why there is
    none. heatmap_uids: SOP Instance UIDs of the pictures that show it."""

    name: str
    code: str
    percent: str
    threshold: str
    present: bool
    where: tuple[str, ...] = ()
    heatmap_uids: tuple[str, ...] = ()

    @property
    def prominence(self) -> tuple[bool, float]:
        """A present one comes before any absent one, then the more probable."""
        return self.present, _number(self.percent)

    @property
    def verdict(self) -> Verdict:
        return "present" if self.present else "absent"


@dataclass(frozen=True)
class SheetFilm:
    """A film that was analysed. notes: what was assumed while it was converted."""

    uid: str
    name: str
    findings: tuple[SheetFinding, ...]
    notes: tuple[str, ...] = ()

    @property
    def heatmap_uids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(uid for finding in self.findings for uid in finding.heatmap_uids))


@dataclass(frozen=True)
class Refusal:
    """A film that was not analysed, and why; `code` as the handbook explains it."""

    uid: str
    name: str
    code: str
    reason: str


@dataclass(frozen=True)
class SheetModel:
    """What analysed the films. thresholds: in percent, by the name of the finding."""

    name: str
    version: str
    weights_sha256: str
    thresholds: tuple[tuple[str, str], ...]
    calibration: str
    preprocessing: str
    intended_use: str


@dataclass(frozen=True)
class SheetSubject:
    """Patient, study and report as people read them. names: each writing of the name by itself, the alphabetic one
    first."""

    names: tuple[str, ...]
    patient_id: str
    birth_date: str
    sex: str
    study_date: str
    study_description: str
    accession_number: str
    made_at: str
    made_by: str
    report_uid: str
    study_uid: str


@dataclass(frozen=True)
class ReportSheet:
    """One report. remarks: on the report as a whole, beside the notice that it is for research only. priority: as the
    report words what it suggests; empty in those of earlier versions."""

    subject: SheetSubject
    films: tuple[SheetFilm, ...]
    refusals: tuple[Refusal, ...]
    model: SheetModel | None
    notice: str
    remarks: tuple[str, ...] = ()
    priority: str = ""

    @property
    def films_received(self) -> int:
        return len(self.films) + len(self.refusals)

    @property
    def highest(self) -> tuple[SheetFilm, SheetFinding] | None:
        """The finding that the first line names, and its film."""
        told = ((film, finding) for film in self.films for finding in film.findings)
        return max(told, key=lambda one: one[1].prominence, default=None)

    @property
    def also_present(self) -> tuple[tuple[SheetFilm, SheetFinding], ...]:
        """The other findings that are present, the most probable first."""
        highest = self.highest
        others = [
            (film, finding)
            for film in self.films
            for finding in film.findings
            if finding.present and (film, finding) != highest
        ]
        return tuple(sorted(others, key=lambda one: one[1].prominence, reverse=True))


def joined(parts: Iterable[str], between: str = ", ") -> str:
    return between.join(part for part in parts if part)


def _number(percent: str) -> float:
    try:
        return float(percent)
    except ValueError:
        return -1.0
