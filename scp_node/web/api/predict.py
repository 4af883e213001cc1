"""`POST /api/predict` analyses one upload, `GET /api/models` says with what."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from scp_node.queries.offered_models import OfferedModel, offered_models
from scp_node.web.access.visitor import Viewer
from scp_node.web.api.answers import PredictAnswer, problems
from scp_node.web.context import context_of
from scp_node.web.uploads.judging import judged_upload

DISCLAIMER = "Research use only. Not a medical device. Do not base a diagnosis or a treatment on this result."
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "One PNG, JPEG or DICOM file. It is analysed in memory and not kept.",
                        },
                        "model": {
                            "type": "string",
                            "maxLength": 160,
                            "description": "`label`, `name` or `pin` of a model; the node's first route's if absent.",
                            "examples": ["pneumonia"],
                        },
                        "heatmap": {"type": "string", "enum": ["true", "false"], "default": "true"},
                    },
                }
            }
        },
    }
}

router = APIRouter(tags=["predict"])


class ModelsAnswer(BaseModel):
    """Every model; one without `label` is not installed, and `command` trains and installs it."""

    items: list[OfferedModel]


@router.post("/predict", responses=problems(400, 404, 408, 413, 415, 503), openapi_extra=FORM)
async def predict(request: Request, visitor: Viewer) -> PredictAnswer:
    """Analyse one picture or DICOM file.

    An image that the model was not made for is answered with 200: `declined` says why, and `result` is null. What is
    no image, or cannot be taken in, is a problem with a code; with 503 the same upload may be sent again.
    """
    judged = await judged_upload(request)
    return PredictAnswer(**judged.answer, heatmap=judged.heatmap, disclaimer=DISCLAIMER)


@router.get("/models", responses=problems())
def models(request: Request, visitor: Viewer) -> ModelsAnswer:
    """The models of this node, and those that could be installed."""
    return ModelsAnswer(items=list(offered_models(context_of(request).settings())))
