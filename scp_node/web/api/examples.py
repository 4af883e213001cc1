"""Answers as they look, for the description of the API."""

from __future__ import annotations

from typing import Any

_MOMENT = "2026-01-31T10:00:00Z"
_STUDY = "1.2.826.0.1.3680043.8.498.1"
_RESULT = "2.25.301"
_JOB: dict[str, Any] = {
    "job_id": "deliver-0123456789ab",
    "kind": "delivery",
    "state": "dead",
    "attempts": 8,
    "created_at": _MOMENT,
    "due_at": _MOMENT,
    "changed_at": _MOMENT,
    "error": "delivery-refused: 0xA900",
    "study_instance_uid": _STUDY,
    "subject": _RESULT,
    "destination": "pacs",
}
_PREDICTED: dict[str, Any] = {
    "result": "Potentially Pneumonia",
    "prediction": "95.1230",
    "model": "pneumonia@2.0.0",
    "title": "Pneumonia on frontal chest radiographs",
    "findings": [
        {
            "name": "pneumonia",
            "meaning": "Pneumonia",
            "code": "233604007",
            "scheme": "SCT",
            "probability": 0.95123,
            "threshold": 0.4737,
            "positive": True,
            "percent": "95.1",
            "percent_normal": "4.9",
            "percent_threshold": "47.37",
            "place": "right lung, lower zone",
        }
    ],
    "heatmap": "data:image/png;base64,iVBORw0KGgo=",
    "declined": None,
    "notes": [],
    "statement": "Research use only, not a medical device. For children of 1 to 5 years only.",
    "provider": "cpu",
    "disclaimer": "Research use only. Not a medical device.",
}
_DECLINED: dict[str, Any] = _PREDICTED | {
    "result": None,
    "prediction": None,
    "findings": [],
    "heatmap": None,
    "declined": {"code": "not-frontal", "reason": "View Position is LL"},
}
# By path and method; several, by a name each.
EXAMPLES: dict[tuple[str, str], dict[str, Any]] = {
    ("/predict", "post"): {"analysed": _PREDICTED, "declined": _DECLINED},
    ("/models", "get"): {
        "one model": {
            "items": [
                {
                    "name": "pneumonia",
                    "title": "Pneumonia on frontal chest radiographs",
                    "version": "2.0.0",
                    "label": "pneumonia@2.0.0",
                    "pin": "pneumonia@2.0.0#sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                    "statement": "Research use only, not a medical device. For children of 1 to 5 years only.",
                    "ages": "1 to 5 years",
                    "findings": [
                        {
                            "name": "pneumonia",
                            "meaning": "Pneumonia",
                            "code": "233604007",
                            "scheme": "SCT",
                            "threshold": 0.4737,
                        }
                    ],
                    "is_default": True,
                    "missing": "",
                    "command": "",
                }
            ]
        }
    },
    ("/studies", "get"): {
        "one study": {
            "items": [
                {
                    "study_instance_uid": _STUDY,
                    "accession_number": "A1",
                    "first_received_at": _MOMENT,
                    "sources": ["modality"],
                    "images": {"reported": 1},
                    "declines": [],
                    "positives": {"pneumonia": 0.95123},
                    "deliveries": {"sent": 2},
                    "dead_jobs": 0,
                }
            ],
            "next": None,
        }
    },
    ("/jobs", "get"): {"one dead letter": {"items": [_JOB], "next": None}},
    ("/jobs/{job_id}/retry", "post"): {"it runs again": _JOB | {"state": "queued", "error": ""}},
    ("/deliveries", "get"): {
        "one delivery": {
            "items": [
                {
                    "result_uid": _RESULT,
                    "kind": "structured-report",
                    "study_instance_uid": _STUDY,
                    "destination": "pacs",
                    "state": "sent",
                    "attempts": 1,
                    "created_at": _MOMENT,
                    "next_attempt_at": None,
                    "sent_at": _MOMENT,
                    "status": 0,
                    "detail": "",
                }
            ],
            "next": None,
        }
    },
    ("/remote-aes", "get"): {
        "one archive": {
            "items": [
                {
                    "name": "pacs",
                    "ae_title": "ORTHANC",
                    "host": "127.0.0.1",
                    "port": 4242,
                    "may_send": True,
                    "receives": True,
                    "last_seen_at": _MOMENT,
                    "last_stored_at": _MOMENT,
                    "stored": 12,
                    "refused": 0,
                    "rejections": 0,
                    "state": "answers",
                    "failed_at": None,
                    "failure": "",
                }
            ]
        }
    },
}


def with_examples(description: dict[str, Any]) -> dict[str, Any]:
    """`description`, with an example of each answer that has one."""
    for (path, method), named in EXAMPLES.items():
        content = description["paths"][path][method]["responses"]["200"]["content"]["application/json"]
        content["examples"] = {name: {"value": value} for name, value in named.items()}
    return description
