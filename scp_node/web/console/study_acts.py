"""What may be done with a study on its page: tried again, reported anew, sent elsewhere, checked, erased."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from converter.result.kinds.table import RESULT_KINDS
from scp_node.errors import HilumError, NothingFound
from scp_node.operations.acts import Operator as ActingOperator
from scp_node.operations.erasure import erase as erase_planned
from scp_node.operations.erasure_subject import plan_of_studies
from scp_node.operations.studies import report_anew, retry_study, send_results
from scp_node.queries.result_files import result_file
from scp_node.storage.opening import open_blobs
from scp_node.storage.previews import PreviewStore
from scp_node.web.access.visitor import Admin, Operator, acting
from scp_node.web.console.reproductions import Reproduction, reproductions_of
from scp_node.web.context import context_of
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.rendering import page

REPRODUCE_TIMEOUT_S = 300.0
# A page waits so long for jobs of the study that are running.
ERASE_WAIT_S = 10.0
CONFIRMED_CHARACTERS = 4

router = APIRouter(prefix="/studies/{study_instance_uid}")


@router.post("/retry")
def retry(request: Request, visitor: Operator, study_instance_uid: str) -> Response:
    """Start again what was given up."""
    context = context_of(request)
    try:
        acts = retry_study(context.ledger, context.waker, study_instance_uid, acting(request))
    except HilumError as error:
        return _refused(request, error)
    outcomes = {act.outcome for act in acts}
    if outcomes == {"done"}:
        return _back(study_instance_uid, "retried")
    return _back(study_instance_uid, "partly-retried" if "done" in outcomes else "not-retried")


@router.post("/report-anew")
def anew(request: Request, visitor: Operator, study_instance_uid: str) -> Response:
    """Have another revision of the report made."""
    context = context_of(request)
    try:
        report_anew(context.ledger, context.waker, context.settings(), study_instance_uid, acting(request))
    except HilumError as error:
        return _refused(request, error)
    return _back(study_instance_uid, "anew")


@router.post("/send")
def send(
    request: Request, visitor: Operator, study_instance_uid: str, destination: Annotated[str, Form(max_length=32)]
) -> Response:
    """Have the results sent to a remote AE."""
    context, operator = context_of(request), acting(request)
    try:
        _, count = send_results(
            context.ledger, context.waker, context.settings(), study_instance_uid, destination, operator
        )
    except HilumError as error:
        return _refused(request, error)
    return _back(study_instance_uid, "sent" if count else "nothing-sent")


@router.post("/results/{result_uid}/reproduce")
def reproduce(request: Request, visitor: Operator, study_instance_uid: str, result_uid: str) -> Response:
    """Run the analysis behind a result again; the page shows how it goes."""
    context, operator = context_of(request), acting(request)
    try:
        with context.ledger.reading() as tx:
            result_file(tx, study_instance_uid, result_uid, *RESULT_KINDS)
    except HilumError as error:
        return _refused(request, error)

    def run() -> dict[str, Any]:
        answer, _ = context.desk.ask("checks", "reproduce", {"result_uid": result_uid}, (), REPRODUCE_TIMEOUT_S)
        return answer

    reproductions_of(request).start(result_uid, run, partial(_record_reproduction, operator))
    return _back(study_instance_uid, "reproducing")


@router.post("/erase")
def erase(
    request: Request, visitor: Admin, study_instance_uid: str, last_digits: Annotated[str, Form(max_length=64)] = ""
) -> Response:
    """Erase all of it, once the end of its UID was typed."""
    captions = Captions(language_of(request))
    if last_digits.strip() != study_instance_uid[-CONFIRMED_CHARACTERS:]:
        text = captions("Nothing was erased: the last four characters of the Study Instance UID were not typed.")
        return page(request, "message.html", 409, heading=captions("Not done"), text=text)
    context = context_of(request)
    settings = context.settings()
    spool = open_blobs(settings)
    previews = PreviewStore(settings.node.data_dir / "previews")
    try:
        with context.ledger.reading() as tx:
            plan = plan_of_studies(tx, (study_instance_uid,))
        row = erase_planned(context.ledger, spool, previews, plan, acting(request), ERASE_WAIT_S)
    except HilumError as error:
        return _refused(request, error)
    text = captions(
        "Images: {images}, results: {results}, files: {files}. What was delivered to others stays there; erase it at "
        "the archive, too. The record of the erasure is {record}.",
        images=row.images,
        results=row.results,
        files=row.files,
        record=row.erasure_id,
    )
    return page(request, "message.html", heading=captions("The study is erased"), text=text)


def _record_reproduction(acting: ActingOperator, ended: Reproduction) -> None:
    if ended.state == "failed":
        acting.record("reproduce", "result", ended.result_uid, "failed")
    else:
        acting.record("reproduce", "result", ended.result_uid, "done", ended.state)


def _back(study_instance_uid: str, said: str) -> RedirectResponse:
    return RedirectResponse(f"/studies/{study_instance_uid}?said={said}", 303)


def _refused(request: Request, error: HilumError) -> HTMLResponse:
    """What is in the way, in the words of the room that knows."""
    captions = Captions(language_of(request))
    status = 404 if isinstance(error, NothingFound) else 409
    return page(request, "message.html", status, heading=captions("Not done"), text=str(error))
