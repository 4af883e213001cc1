"""The report as JSON for a program of the site: flat names, texts ready to be shown, and every number beside them."""

from __future__ import annotations

import json
from typing import Any

from converter.result.messages.content import MessageFilm, MessageFinding, StudyMessage

# Goes up when a name is taken away or changes its meaning; a new name does not count.
VERSION = 1


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
        "patient": _patient(message),
        "study": _study(message),
        "films": [_film(film) for film in message.films],
        "images_of_another_patient": message.left_out,
        "images_removed_before": message.gone,
        "algorithm": _algorithm(message),
    }


def _patient(message: StudyMessage) -> dict[str, Any]:
    patient = message.patient
    return {
        "id": patient.id,
        "issuer": patient.id_issuer,
        "names": [
            {"writing": group.representation, "family": group.family, "given": group.given, "text": group.words}
            for group in patient.name
        ],
        "birth_date": patient.birth_date,
        "sex": patient.sex,
    }


def _study(message: StudyMessage) -> dict[str, Any]:
    return {
        "study_instance_uid": message.study_instance_uid,
        "accession_number": message.accession_number,
        "placer_order_number": message.placer_order_number,
        "filler_order_number": message.filler_order_number,
        "study_id": message.study_id,
        "date": message.study_date,
        "time": message.study_time,
        "description": message.study_description,
    }


def _algorithm(message: StudyMessage) -> dict[str, Any]:
    return {
        "name": message.algorithm,
        "version": message.algorithm_version,
        "weights_sha256": message.weights_sha256,
        "manufacturer": message.manufacturer,
        "intended_use": message.intended_use,
    }


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
