"""What a message says of a study's report, as plain records of text: what each kind of message is written from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from converter.declined import DECLINE_REASONS
from converter.image.header import value
from converter.package.concept import Concept
from converter.page.counted import counted
from converter.result.film_names import film_names
from converter.result.findings import Finding
from converter.result.kinds.content import ReportedImage, StudyContent
from converter.result.messages.header_facts import (
    PRIORITIES,
    Priority,
    date,
    first_stated,
    of_request,
    order_priority,
    sex,
    telling,
    text,
    time,
)
from converter.result.messages.person_name import NameGroup, name_groups
from converter.result.unplaced import unplaced_words
from converter.result.verdict_words import NOTICE
from converter.result.wording import percent, threshold_percent

Status = Literal["preliminary", "final"]
SENTENCES = {reason.code: reason.sentence for reason in DECLINE_REASONS}


@dataclass(frozen=True)
class MessageOptions:
    """What a site chose for one system; see the section `systems` of the settings."""

    system: str
    raise_priority: Literal["no", "urgent", "stat"] = "urgent"
    raise_for: tuple[str, ...] = ()
    status: Status = "preliminary"
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    charset: str = "utf-8"


@dataclass(frozen=True)
class MessagePatient:
    """birth_date: eight digits or empty; sex: M, F, O or empty."""

    id: str
    id_issuer: str
    name: tuple[NameGroup, ...]
    birth_date: str
    sex: str


@dataclass(frozen=True)
class MessageFinding:
    """probability, threshold: percentages as every result of the report states them. site: where in the lungs, in
    words; unplaced: why that is not known, in words."""

    name: str
    concept: Concept
    present: bool
    probability: str
    threshold: str
    site: str = ""
    unplaced: str = ""

    @property
    def verdict(self) -> str:
        return "PRESENT" if self.present else "ABSENT"

    @property
    def words(self) -> str:
        where = f", {self.site or self.unplaced}" if self.site or self.unplaced else ""
        return f"{self.concept.meaning} {self.verdict} {self.probability} % (threshold {self.threshold} %){where}"


@dataclass(frozen=True)
class MessageFilm:
    """One image. declined: the code of why it was not analysed, empty where it was; reason: the same in words."""

    name: str
    sop_instance_uid: str
    sop_class_uid: str
    findings: tuple[MessageFinding, ...] = ()
    notes: tuple[str, ...] = ()
    declined: str = ""
    reason: str = ""


@dataclass(frozen=True)
class StudyMessage:
    """All that a message says. uid: of this message, the same for each run that builds it. study_date, study_time: as
    DICOM writes them, or empty. order_priority: what the headers have of the order's; priority: what is suggested, at
    least as high, None where nothing is."""

    uid: str
    options: MessageOptions
    created_at: datetime
    station_name: str
    patient: MessagePatient
    study_instance_uid: str
    accession_number: str
    placer_order_number: str
    filler_order_number: str
    study_id: str
    study_date: str
    study_time: str
    study_description: str
    revision: int
    films: tuple[MessageFilm, ...]
    algorithm: str
    algorithm_version: str
    weights_sha256: str
    manufacturer: str
    intended_use: str
    order_priority: Priority | None = None
    priority: Priority | None = None
    left_out: int = 0
    gone: int = 0
    notice: str = NOTICE

    @property
    def is_correction(self) -> bool:
        """Whether it takes the place of what was final before."""
        return self.options.status == "final" and self.revision > 1

    @property
    def message_id(self) -> str:
        """20 characters, as many as MSH-10 has (HL7 v2.5.1 2.14.9.10)."""
        return f"H{hashlib.sha256(self.uid.encode()).hexdigest()[:19].upper()}"

    @property
    def is_positive(self) -> bool:
        return any(finding.present for film in self.films for finding in film.findings)

    @property
    def highest(self) -> MessageFinding | None:
        """The finding that is named first: a positive one before any other, of these the most probable."""
        found = [finding for film in self.films for finding in film.findings]
        return max(found, key=lambda one: (one.present, float(one.probability)), default=None)

    @property
    def headline(self) -> str:
        """The study in one sentence."""
        analysed = sum(not film.declined for film in self.films)
        films = f"{analysed} of {counted(len(self.films), 'film')} analysed"
        highest = self.highest
        return f"AI, research use: {highest.words if highest else 'no result'}; {films}"

    @property
    def lines(self) -> tuple[str, ...]:
        """The report as text."""
        found = [self.headline]
        for film in self.films:
            found += [f"{film.name}: {finding.words}" for finding in film.findings]
            if film.declined:
                found.append(f"{film.name}: not analysed, {film.reason} [{film.declined}]")
        if self.left_out:
            found.append(f"{counted(self.left_out, 'image')} of another patient in this study left out")
        if self.gone:
            found.append(f"{counted(self.gone, 'earlier image')} removed before and not part of this report")
        if self.revision > 1:
            found.append(f"Revision {self.revision}; it takes the place of revision {self.revision - 1}")
        return (*found, f"{self.algorithm} {self.algorithm_version}", self.notice)


def study_message(content: StudyContent, uid: str, options: MessageOptions) -> StudyMessage:
    """What is said of the study to one system. Patient and study are those of the first image that names them."""
    sources = [image.source for image in content.images]
    names = film_names(sources)
    named = telling(sources)
    order = order_priority(sources)
    algorithm, identity = content.algorithm, content.identity
    return StudyMessage(
        uid=uid,
        options=options,
        created_at=identity.created_at,
        station_name=identity.station_name,
        patient=MessagePatient(
            text(named, "PatientID"),
            text(named, "IssuerOfPatientID"),
            name_groups(text(named, "PatientName")),
            date(text(named, "PatientBirthDate")),
            sex(named),
        ),
        study_instance_uid=identity.study_instance_uid,
        accession_number=first_stated(sources, "AccessionNumber"),
        placer_order_number=of_request(sources, "PlacerOrderNumberImagingServiceRequest"),
        filler_order_number=of_request(sources, "FillerOrderNumberImagingServiceRequest"),
        study_id=first_stated(sources, "StudyID"),
        study_date=date(first_stated(sources, "StudyDate")),
        study_time=time(first_stated(sources, "StudyTime")),
        study_description=first_stated(sources, "StudyDescription"),
        revision=identity.revision,
        films=tuple(_film(image, names) for image in content.images),
        algorithm=algorithm.name,
        algorithm_version=algorithm.version,
        weights_sha256=algorithm.weights_sha256,
        manufacturer=algorithm.manufacturer,
        intended_use=algorithm.intended_use,
        order_priority=order,
        priority=_priority(order, content.images, options),
        left_out=len(content.left_out),
        gone=len(content.gone),
    )


def _film(image: ReportedImage, names: dict[str, str]) -> MessageFilm:
    declined = image.declined
    return MessageFilm(
        name=names.get(image.sop_instance_uid, image.sop_instance_uid),
        sop_instance_uid=image.sop_instance_uid,
        sop_class_uid=str(value(image.source, "SOPClassUID") or ""),
        findings=tuple(map(_finding, image.findings)),
        notes=image.notes,
        declined=declined.code if declined else "" if image.findings else "no-result",
        reason=SENTENCES.get(declined.code, declined.code) if declined else "" if image.findings else "no result",
    )


def _finding(finding: Finding) -> MessageFinding:
    return MessageFinding(
        finding.name,
        finding.concept,
        finding.positive,
        percent(finding.probability, finding.threshold),
        threshold_percent(finding.threshold),
        finding.place.words if finding.positive and finding.place is not None else "",
        unplaced_words(finding.unplaced) if finding.positive else "",
    )


def _priority(order: Priority | None, images: Iterable[ReportedImage], options: MessageOptions) -> Priority | None:
    """The order's own, or the one that a positive finding raises it to. Never a lower one than the order's, and none
    where nothing is known: "routine" would lower an order that the node does not see."""
    raised: Priority | None = None
    if options.raise_priority != "no" and any(
        finding.positive and (not options.raise_for or finding.name in options.raise_for)
        for image in images
        for finding in image.findings
    ):
        raised = options.raise_priority
    return max((one for one in (order, raised) if one is not None), key=PRIORITIES.index, default=None)
