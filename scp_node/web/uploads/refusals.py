"""Why an upload gets no answer: every code with its HTTP status, in one table."""

from __future__ import annotations

from scp_node.errors import HilumError, PictureFailed

RETRY_AFTER_S = 2
# Whatever is not named is a fault of this node.
STATUS_OF_CODE = {
    "malformed-form": 400,
    "model-missing": 404,
    "upload-too-slow": 408,
    "upload-too-large": 413,
    "unreadable": 415,
    "undecodable": 422,
    "decode-failed": 422,
    "decode-crashed": 422,
    "decode-timeout": 422,
    "decode-memory": 422,
    "decode-cpu": 422,
    "no-file": 422,
    "crashed": 503,
    "timeout": 503,
    "out-of-resources": 503,
    "inference-failed": 503,
    "model-unusable": 503,
    "busy": 503,
}
WITHOUT_PLACES = {
    "model-missing": "this node has no model of that name; /api/models lists those that it has",
    "model-unusable": "this model cannot be used; `hilum models verify` and the log say why",
}


class UploadRefused(Exception):
    """`reason` says to a person what to do."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason

    @property
    def status(self) -> int:
        return STATUS_OF_CODE.get(self.code, 500)

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(RETRY_AFTER_S)} if self.status == 503 else {}


def refused_by(error: HilumError) -> UploadRefused:
    """What the process that makes pictures could not do. Where packages lie is nothing for whoever uploads."""
    code = error.reason_code if isinstance(error, PictureFailed) else error.code
    return UploadRefused(code, WITHOUT_PLACES.get(code, str(error)))
