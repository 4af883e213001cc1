"""The report as an HL7 v2.5.1 ORU^R01 message: one order, and an OBX for each thing that is said of each film."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from pydicom.sr.coding import Code

from converter.result import coding
from converter.result.messages.content import MessageFilm, MessageFinding, StudyMessage
from converter.result.messages.er7 import Component, Field, Repetitions, Segment, encoded
from converter.result.messages.header_facts import Priority
from converter.result.messages.person_name import NameGroup

SENDING_APPLICATION = "HILUM"
# Table 0211: by the name of the setting, what MSH-18 says, and Python's codec. ASCII is what an empty MSH-18 means.
CHARSETS: dict[str, tuple[str, str]] = {
    "utf-8": ("UNICODE UTF-8", "utf-8"),
    "8859/1": ("8859/1", "iso8859-1"),
    "8859/2": ("8859/2", "iso8859-2"),
    "8859/5": ("8859/5", "iso8859-5"),
    "8859/15": ("8859/15", "iso8859-15"),
    "ascii": ("", "ascii"),
}
# Table 0485.
PRIORITIES: dict[Priority, tuple[str, str]] = {
    "routine": ("R", "Routine"),
    "urgent": ("A", "As soon as possible"),
    "stat": ("S", "With highest priority"),
}
# Table 0396: what HL7 calls the coding schemes of DICOM (PS3.16 8).
SYSTEMS = {"SCT": "SCT", "DCM": "DCM", "LN": "LN", "UCUM": "UCUM"}
NAME_REPRESENTATIONS = {"alphabetic": "A", "ideographic": "I", "phonetic": "P"}
STUDY_UID = Code("110180", "DCM", "Study Instance UID")
LOCAL = "L"
NO_NAME = ("", "", "", "", "", "", "U")  # required (3.4.2.5): of an unspecified kind
ORDER_NUMBER_CHARS_MAX, NAME_CHARS_MAX = 199, 194
_LOCAL_CODES = {
    "SUMMARY": "AI summary",
    "FILM": "Image",
    "SOPUID": "SOP Instance UID",
    "NOTANALYSED": "Image not analysed",
    "ALGORITHM": "Algorithm",
    "NOTICE": "Notice",
    "REVISION": "Revision of the report",
    "NOTE": "Assumption",
}


def write(message: StudyMessage) -> bytes:
    """The message without the frame of MLLP, in the character set that the system takes."""
    name, codec = CHARSETS[message.options.charset]
    return encoded(list(_segments(message, name, codec)), codec)


def _segments(message: StudyMessage, charset: str, codec: str) -> Iterator[Segment]:
    yield _header(message, charset)
    yield _patient(message, codec)
    number = message.filler_order_number or message.accession_number or message.message_id
    placer = (message.placer_order_number[:ORDER_NUMBER_CHARS_MAX],)
    filler = (number[:ORDER_NUMBER_CHARS_MAX],)
    yield Segment("ORC", {1: "RE", 2: placer, 3: filler})
    yield _request(message, placer, filler)
    if message.priority is not None:
        code, meaning = PRIORITIES[message.priority]
        yield Segment("TQ1", {1: "1", 9: (code, meaning, "HL70485")})
    for place, observation in enumerate(_observations(message), 1):
        yield Segment("OBX", {1: str(place), **observation})


def _header(message: StudyMessage, charset: str) -> Segment:
    """MSH-15 and 16 stay empty: original mode, in which the answer tells whether the message was processed (2.9.2)."""
    options = message.options
    return Segment(
        "MSH",
        {
            3: SENDING_APPLICATION,
            4: options.sending_facility or message.station_name,
            5: options.receiving_application,
            6: options.receiving_facility,
            7: _moment(message.created_at),
            9: ("ORU", "R01", "ORU_R01"),
            10: message.message_id,
            11: "P",
            12: "2.5.1",
            18: charset,
        },
    )


def _patient(message: StudyMessage, codec: str) -> Segment:
    patient = message.patient
    names = [group for group in patient.name if _fits(group, codec)] or list(patient.name[:1])
    return Segment(
        "PID",
        {
            1: "1",
            3: _patient_id(message),
            5: Repetitions(tuple(_name(group) for group in names)) if names else NO_NAME,
            7: patient.birth_date,
            8: patient.sex,
        },
    )


def _patient_id(message: StudyMessage) -> Field:
    """Required (3.4.2.3): a patient without one gets a number of this study alone, marked as such (table 0203)."""
    patient = message.patient
    if patient.id:
        return (patient.id, "", "", patient.id_issuer, "PI")
    number = hashlib.sha256(message.study_instance_uid.encode()).hexdigest()[:14].upper()
    return (f"H{number}", "", "", SENDING_APPLICATION, "ANON")


def _name(group: NameGroup) -> tuple[str, ...]:
    """XPN: prefix and suffix come the other way round than in DICOM."""
    parts = (group.family, group.given, group.middle, group.suffix, group.prefix)
    return (*(part[:NAME_CHARS_MAX] for part in parts), "", "L", NAME_REPRESENTATIONS[group.representation])


def _fits(group: NameGroup, codec: str) -> bool:
    """Whether the character set has the letters of the name. Latin ones are kept in any case, without their accents."""
    try:
        group.words.encode(codec)
    except UnicodeEncodeError:
        return group.representation == "alphabetic" and any("A" <= one.upper() <= "Z" for one in group.words)
    return True


def _request(message: StudyMessage, placer: Field, filler: Field) -> Segment:
    """OBR-18 has the accession number in any case (IHE RAD TF-2 4.28)."""
    observed = message.study_date + (message.study_time if message.study_date else "")
    return Segment(
        "OBR",
        {
            1: "1",
            2: placer,
            3: filler,
            4: ("AI-RADIOGRAPH", f"{message.algorithm} (AI, research use)", LOCAL),
            7: observed,
            13: message.study_description,
            18: message.accession_number,
            22: _moment(message.created_at),
            24: "RAD",
            25: _status(message),
        },
    )


def _observations(message: StudyMessage) -> Iterator[dict[int, Field]]:
    """OBX-4 is the same for all that is said of one finding: number of the film, a dot, number of the finding."""
    status = _status(message)
    yield _text(_local("SUMMARY"), "", message.headline, status)
    yield _text(_code(STUDY_UID), "", message.study_instance_uid, status)
    yield _number(_local("REVISION"), "", str(message.revision), status)
    for number, film in enumerate(message.films, 1):
        yield from _film(film, number, status)
    if message.left_out or message.gone:
        yield from (_text(_local("NOTE"), "", line, status) for line in _left(message))
    algorithm = f"{message.algorithm} {message.algorithm_version}, weights sha256 {message.weights_sha256[:32]}"
    yield _text(_local("ALGORITHM"), "", f"{algorithm}, by {message.manufacturer}", status)
    yield _text(_local("NOTICE"), "", f"{message.notice} Intended use: {message.intended_use}", status)


def _left(message: StudyMessage) -> Iterator[str]:
    """What the lines of the report say beyond the films."""
    yield from (line for line in message.lines if "left out" in line or "removed before" in line)


def _film(film: MessageFilm, number: int, status: str) -> Iterator[dict[int, Field]]:
    yield _text(_local("FILM"), f"{number}", film.name, status)
    yield _text(_local("SOPUID"), f"{number}", film.sop_instance_uid, status)
    if film.declined:  # X: no result can be had for this observation (table 0085)
        yield _text(_local("NOTANALYSED"), f"{number}", f"{film.reason} [{film.declined}]", "X")
    for place, finding in enumerate(film.findings, 1):
        yield from _finding(finding, f"{number}.{place}", status)
    for note in film.notes:
        yield _text(_local("NOTE"), f"{number}", note, status)


def _finding(finding: MessageFinding, sub_id: str, status: str) -> Iterator[dict[int, Field]]:
    """The verdict coded, the probability as a number whose reference range ends at the threshold, the site in words."""
    code = _code(coding.finding_code(finding.concept))
    verdict = _code(coding.PRESENT if finding.present else coding.ABSENT)
    flag = "A" if finding.present else "N"
    yield {2: "CWE", 3: code, 4: sub_id, 5: verdict, 8: flag, 11: status}
    probability = _number(_code(coding.PROBABILITY), sub_id, finding.probability, status)
    percent = (coding.PERCENT.value, "percent", "UCUM")
    yield probability | {6: percent, 7: f"<{finding.threshold}", 8: flag}
    if finding.site:
        yield _text(_code(coding.FINDING_SITE), sub_id, finding.site, status)
    if finding.unplaced:
        yield _text(_local("NOTE"), sub_id, finding.unplaced, status)


def _text(what: Field, sub_id: str, text: str, status: str) -> dict[int, Field]:
    return {2: "TX", 3: what, 4: sub_id, 5: text, 11: status}


def _number(what: Field, sub_id: str, number: str, status: str) -> dict[int, Field]:
    return {2: "NM", 3: what, 4: sub_id, 5: number, 11: status}


def _code(code: Code) -> Sequence[Component]:
    return (code.value, code.meaning, SYSTEMS.get(code.scheme_designator, f"99{code.scheme_designator}"))


def _local(name: str) -> Sequence[Component]:
    return (name, _LOCAL_CODES[name], LOCAL)


def _status(message: StudyMessage) -> str:
    """Tables 0085 and 0123: preliminary, final, or a correction of what was final."""
    if message.is_correction:
        return "C"
    return "F" if message.options.status == "final" else "P"


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%S%z")
