"""The report as a FHIR R4 transaction: one DiagnosticReport, and an Observation for each finding of each film.

Every resource has an identifier that the same report always gives, and is created only where no other has it
(conditional create, FHIR R4 http.html#ccreate): a repeated message changes nothing. Nothing of the receiver's own is
changed: the patient is contained in each resource, and referred to by identifier (references.html#logical).
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from pydicom.sr.coding import Code

from converter.product import UUID_NAMESPACE
from converter.result import coding
from converter.result.messages.content import MessageFilm, MessageFinding, StudyMessage
from converter.result.messages.header_facts import Priority
from converter.result.messages.person_name import NameGroup

Resource = dict[str, Any]
# By the coding schemes of DICOM (PS3.16 8).
SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "LN": "http://loinc.org",
    "UCUM": "http://unitsofmeasure.org",
}
URI, DICOM_UID = "urn:ietf:rfc:3986", "urn:dicom:uid"
HL7 = "http://terminology.hl7.org/CodeSystem"
IDENTIFIER_TYPES, INTERPRETATIONS = f"{HL7}/v2-0203", f"{HL7}/v3-ObservationInterpretation"
NAME_WRITING = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
WRITINGS = {"alphabetic": "ABC", "ideographic": "IDE", "phonetic": "SYL"}
GENDERS = {"M": "male", "F": "female", "O": "other"}
IMAGING_STUDY = ("http://loinc.org", "18748-4", "Diagnostic imaging study")
# http://hl7.org/fhir/request-priority
PRIORITIES: dict[Priority, str] = {"routine": "Routine", "urgent": "Urgent", "stat": "STAT"}


def write(message: StudyMessage) -> bytes:
    return json.dumps(bundle(message), ensure_ascii=False, separators=(",", ":")).encode()


def bundle(message: StudyMessage) -> Resource:
    """The transaction, the report first."""
    observations = _observations(message)
    report = _report(message, [f"urn:uuid:{_uuid(message, name)}" for name, _ in observations])
    resources = [("report", report), *observations]
    return {"resourceType": "Bundle", "type": "transaction", "entry": [_entry(message, *one) for one in resources]}


def _entry(message: StudyMessage, name: str, resource: Resource) -> Resource:
    identifier = resource["identifier"][0]
    return {
        "fullUrl": f"urn:uuid:{_uuid(message, name)}",
        "resource": resource,
        "request": {
            "method": "POST",
            "url": resource["resourceType"],
            "ifNoneExist": f"identifier={identifier['system']}|{identifier['value']}",
        },
    }


def _uuid(message: StudyMessage, name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.UUID(UUID_NAMESPACE), f"{message.uid}|{name}")


def _identifier(message: StudyMessage, name: str) -> Resource:
    return {"system": URI, "value": f"urn:uuid:{_uuid(message, name)}"}


def _report(message: StudyMessage, results: list[str]) -> Resource:
    report: Resource = {
        "resourceType": "DiagnosticReport",
        "contained": [_patient(message)],
        "identifier": [_identifier(message, "report")],
        "status": _status(message),
        "category": [{"coding": [{"system": f"{HL7}/v2-0074", "code": "RAD", "display": "Radiology"}]}],
        "code": _concept(IMAGING_STUDY, f"{message.algorithm} (AI, research use)"),
        "subject": _subject(message),
        "issued": message.created_at.isoformat(timespec="seconds"),
        "performer": [{"display": f"{message.manufacturer}: {message.algorithm} {message.algorithm_version}"}],
        "result": [{"reference": url} for url in results],
        "imagingStudy": [_by_identifier("ImagingStudy", _oid(message.study_instance_uid), DICOM_UID)],
        "conclusion": "\n".join(message.lines),
    }
    order = _order(message)
    return report | ({"basedOn": [order]} if order else {}) | _effective(message)


def _observations(message: StudyMessage) -> list[tuple[str, Resource]]:
    found: list[tuple[str, Resource]] = []
    for number, film in enumerate(message.films, 1):
        for place, finding in enumerate(film.findings, 1):
            found.append((f"{number}.{place}", _of_finding(message, film, finding)))
        if film.declined:
            found.append((f"{number}", _of_declined(message, film)))
    if message.priority is not None:
        found.append(("priority", _of_priority(message, message.priority)))
    return [(name, {**one, "identifier": [_identifier(message, name)]}) for name, one in found]


def _observation(message: StudyMessage, code: Resource) -> Resource:
    return {
        "resourceType": "Observation",
        "contained": [_patient(message), _device(message)],
        "status": _status(message),
        "category": [{"coding": [{"system": f"{HL7}/observation-category", "code": "imaging", "display": "Imaging"}]}],
        "code": code,
        "subject": _subject(message),
        "issued": message.created_at.isoformat(timespec="seconds"),
        "device": {"reference": "#device"},
        **_effective(message),
    }


def _of_finding(message: StudyMessage, film: MessageFilm, finding: MessageFinding) -> Resource:
    mark, meaning = ("POS", "Positive") if finding.present else ("NEG", "Negative")
    notes = [f"{film.name}: {finding.words}", *film.notes, message.notice]
    observation = _observation(message, _coded(coding.finding_code(finding.concept))) | {
        "valueCodeableConcept": _coded(coding.PRESENT if finding.present else coding.ABSENT),
        "interpretation": [_concept((INTERPRETATIONS, mark, meaning))],
        "note": [{"text": text} for text in notes],
        "derivedFrom": [_film(film)],
        "component": [
            {"code": _coded(coding.PROBABILITY), "valueQuantity": _percent(finding.probability)},
            {"code": {"text": "Operating threshold"}, "valueQuantity": _percent(finding.threshold)},
        ],
    }
    return observation | ({"bodySite": {"text": finding.site}} if finding.site else {})


def _of_declined(message: StudyMessage, film: MessageFilm) -> Resource:
    return _observation(message, {"text": f"{message.algorithm} (AI, research use)"}) | {
        "dataAbsentReason": _concept(
            (f"{HL7}/data-absent-reason", "not-performed", "Not Performed"), f"{film.reason} [{film.declined}]"
        ),
        "note": [{"text": f"{film.name}: not analysed, {film.reason} [{film.declined}]"}],
        "derivedFrom": [_film(film)],
    }


def _of_priority(message: StudyMessage, priority: Priority) -> Resource:
    """A suggestion, because a report has no priority: what the order has stays the order's."""
    return _observation(message, {"text": "Suggested reading priority"}) | {
        "valueCodeableConcept": _concept(("http://hl7.org/fhir/request-priority", priority, PRIORITIES[priority])),
    }


def _patient(message: StudyMessage) -> Resource:
    patient = message.patient
    found: Resource = {"resourceType": "Patient", "id": "patient"}
    if patient.id:
        found["identifier"] = [_patient_identifier(message)]
    if names := [_name(group) for group in patient.name]:
        found["name"] = names
    if patient.sex:
        found["gender"] = GENDERS[patient.sex]
    if patient.birth_date:
        found["birthDate"] = _day(patient.birth_date)
    return found


def _patient_identifier(message: StudyMessage) -> Resource:
    patient = message.patient
    kind = {"coding": [{"system": IDENTIFIER_TYPES, "code": "PI", "display": "Patient internal identifier"}]}
    return {"type": kind, "value": patient.id} | (
        {"assigner": {"display": patient.id_issuer}} if patient.id_issuer else {}
    )


def _name(group: NameGroup) -> Resource:
    parts = {
        "text": group.words,
        "family": group.family,
        "given": [part for part in (group.given, group.middle) if part],
        "prefix": [group.prefix] if group.prefix else [],
        "suffix": [group.suffix] if group.suffix else [],
    }
    writing = {"url": NAME_WRITING, "valueCode": WRITINGS[group.representation]}
    return {"extension": [writing], "use": "official"} | {key: part for key, part in parts.items() if part}


def _subject(message: StudyMessage) -> Resource:
    words = next((group.words for group in message.patient.name), "")
    return (
        {"reference": "#patient", "type": "Patient"}
        | ({"identifier": _patient_identifier(message)} if message.patient.id else {})
        | ({"display": words} if words else {})
    )


def _device(message: StudyMessage) -> Resource:
    return {
        "resourceType": "Device",
        "id": "device",
        "manufacturer": message.manufacturer,
        "deviceName": [{"name": message.algorithm, "type": "model-name"}],
        "version": [
            {"type": {"text": "model"}, "value": message.algorithm_version},
            {"type": {"text": "weights sha256"}, "value": message.weights_sha256},
        ],
        "note": [{"text": f"{message.notice} Intended use: {message.intended_use}"}],
    }


def _order(message: StudyMessage) -> Resource | None:
    """The order, by the numbers that people know of it."""
    for number, code, meaning in (
        (message.accession_number, "ACSN", "Accession ID"),
        (message.placer_order_number, "PLAC", "Placer Identifier"),
        (message.filler_order_number, "FILL", "Filler Identifier"),
    ):
        if number:
            kind = {"coding": [{"system": IDENTIFIER_TYPES, "code": code, "display": meaning}]}
            return {"type": "ServiceRequest", "identifier": {"type": kind, "value": number}}
    return None


def _effective(message: StudyMessage) -> Resource:
    """A time of the day needs a zone in FHIR, which headers seldom have: the day is said alone."""
    return {"effectiveDateTime": _day(message.study_date)} if message.study_date else {}


def _film(film: MessageFilm) -> Resource:
    return _by_identifier("ImagingStudy", _oid(film.sop_instance_uid), DICOM_UID) | {"display": f"Image {film.name}"}


def _by_identifier(kind: str, value: str, system: str) -> Resource:
    return {"type": kind, "identifier": {"system": system, "value": value}}


def _oid(uid: str) -> str:
    return f"urn:oid:{uid}"


def _day(digits: str) -> str:
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def _percent(text: str) -> Resource:
    return {"value": float(text), "unit": "%", "system": SYSTEMS["UCUM"], "code": "%"}


def _coded(code: Code) -> Resource:
    system = SYSTEMS.get(code.scheme_designator)
    if system is None:
        return {"text": code.meaning}
    return _concept((system, code.value, code.meaning))


def _concept(code: tuple[str, str, str], text: str = "") -> Resource:
    system, value, meaning = code
    found: Resource = {"coding": [{"system": system, "code": value, "display": meaning}]}
    return found | ({"text": text} if text else {})


def _status(message: StudyMessage) -> str:
    """Of report and observations alike (diagnostic-report-status, observation-status)."""
    return "amended" if message.is_correction else message.options.status
