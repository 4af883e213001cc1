"""The report as JSON for a program of the site: flat names, texts ready to be shown, and every number beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from converter.result.messages.content import MessageFilm, MessageFinding, MessagePatient, StudyMessage
from converter.result.messages.person_name import NameGroup

# Goes up when a name is taken away or changes its meaning; a new name does not count.
VERSION = 1


# What blocks of text are called, and by which attribute of the record they are filled.
PATIENT = {"id": "id", "issuer": "id_issuer", "birth_date": "birth_date", "sex": "sex"}
STUDY = {
    **{name: name for name in ("study_instance_uid", "accession_number", "placer_order_number", "filler_order_number")},
    **{"study_id": "study_id", "date": "study_date", "time": "study_time", "description": "study_description"},
}
ALGORITHM = {
    **{"name": "algorithm", "version": "algorithm_version"},
    **{name: name for name in ("weights_sha256", "manufacturer", "intended_use")},
}


def write(message: StudyMessage) -> bytes:
    return json.dumps(_report(message), ensure_ascii=False, separators=(",", ":")).encode()


def _report(message: StudyMessage) -> dict[str, Any]:
    highest = message.highest
    return {
        "type": "report.created" if message.revision == 1 else "report.revised",
        "version": VERSION,
        "id": message.message_id,
        "created_at": message.created_at.isoformat(),
        "node": message.station_name,
        "notice": message.notice,
        "status": "corrected" if message.is_correction else message.options.status,
        "revision": message.revision,
        "headline": message.headline,
        "positive": message.is_positive,
        "priority": {"suggested": message.priority, "of_order": message.order_priority},
        "highest": None if highest is None else _finding(highest),
        "patient": _named(message.patient, PATIENT) | {"names": list(map(_name, message.patient.name))},
        "study": _named(message, STUDY),
        "films": [_film(film) for film in message.films],
        "images_of_another_patient": message.left_out,
        "images_removed_before": message.gone,
        "algorithm": _named(message, ALGORITHM),
    }


def _name(group: NameGroup) -> dict[str, str]:
    return {"writing": group.representation, "family": group.family, "given": group.given, "text": group.words}


def _named(record: StudyMessage | MessagePatient, names: Mapping[str, str]) -> dict[str, Any]:
    return {name: getattr(record, attribute) for name, attribute in names.items()}


def _film(film: MessageFilm) -> dict[str, Any]:
    return {
        "name": film.name,
        "sop_instance_uid": film.sop_instance_uid,
        "analysed": not film.declined,
        "not_analysed": {"code": film.declined, "reason": film.reason} if film.declined else None,
        "findings": [_finding(finding) for finding in film.findings],
        "notes": list(film.notes),
    }


def _finding(finding: MessageFinding) -> dict[str, Any]:
    concept = finding.concept
    return {
        "name": finding.name,
        "code": {"value": concept.value, "scheme": concept.scheme, "meaning": concept.meaning},
        "verdict": finding.verdict,
        "probability_percent": float(finding.probability),
        "threshold_percent": float(finding.threshold),
        "site": finding.site or None,
        "unplaced": finding.unplaced or None,
    }
