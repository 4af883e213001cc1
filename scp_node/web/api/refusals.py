"""What the API answers when it cannot do what is asked: always a problem with a code (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from scp_node.errors import HilumError, NothingFound, OutOfResources, UsageError
from scp_node.web.problems import problem
from scp_node.web.uploads.refusals import UploadRefused

NAMED_MAX = 10
CODE_OF_STATUS = {404: "nothing-found", 405: "method-not-allowed"}


class ApiRefused(Exception):
    """`detail` says what to do."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers


def answer_with_problems(app: FastAPI) -> None:
    """Have what routes below /api raise answered as problems."""
    app.add_exception_handler(ApiRefused, _refused)
    app.add_exception_handler(UploadRefused, _upload_refused)


def refused_by_node(error: HilumError) -> ApiRefused:
    """An error of a deeper room, which the API has asked for."""
    statuses: dict[type[HilumError], int] = {NothingFound: 404, UsageError: 409, OutOfResources: 503}
    status = next((status for kind, status in statuses.items() if isinstance(error, kind)), 500)
    return ApiRefused(status, error.code, str(error))


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiRefused)
    return problem(error.status, error.detail, error.headers, code=error.code)


def _upload_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, UploadRefused)
    return problem(error.status, error.reason, error.headers, code=error.code)


def invalid_request(error: RequestValidationError) -> Response:
    """What was asked with does not fit what the route declares."""
    named = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()[:NAMED_MAX]]
    return problem(422, "; ".join(named), code="invalid-request")


def no_such_route(error: HTTPException) -> Response:
    """No route answers, or not to this method, or not so much."""
    title = HTTPStatus(error.status_code).phrase
    code = CODE_OF_STATUS.get(error.status_code, title.lower().replace(" ", "-"))
    return problem(error.status_code, f"{title}; /api/docs lists what there is", error.headers, code=code)
