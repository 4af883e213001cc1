"""The page Studies: what came, newest first, by filters that stand in its address, and by patient, who never does."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from scp_node.ledger import Ledger
from scp_node.queries.document import in_utc
from scp_node.queries.patients import CHARACTERS_MAX, PatientFilter, studies_of_patient
from scp_node.queries.studies import StudyFilter, StudySummary, list_studies, page_of_studies
from scp_node.web.access.visitor import Acting, Viewer
from scp_node.web.console.state_words import DELIVERY_WORDS, IMAGE_WORDS
from scp_node.web.console.study_filter import STATES, Address, ListAddress, written_key
from scp_node.web.context import context_of
from scp_node.web.pages.rendering import page

PAGE_STUDIES = 50
CSV_STUDIES_MAX = 100_000
CSV_BATCH = 500
COLUMNS = (
    "first_received_at",
    "study_instance_uid",
    "accession_number",
    "sources",
    "images",
    "declined",
    "positive",
    "deliveries",
    "dead_jobs",
)
# What a spreadsheet takes for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

router = APIRouter()


@router.get("/studies")
def studies(request: Request, visitor: Viewer, address: Address) -> HTMLResponse:
    """One page of the list; the next one begins behind its last study."""
    with context_of(request).ledger.reading() as tx:
        found = page_of_studies(tx, address.wanted, PAGE_STUDIES, address.key)
    following = "" if found.next is None else address.query(written_key(found.next))
    return _page(request, address, found.studies, following=following, looked_until=found.looked_until)


@router.post("/studies/search")
def search(
    request: Request,
    visitor: Viewer,
    who: Acting,
    patient_id: Annotated[str, Form(max_length=CHARACTERS_MAX)] = "",
    patient_name: Annotated[str, Form(max_length=CHARACTERS_MAX)] = "",
) -> HTMLResponse:
    """Studies of a patient, answered at once: who was looked for stands in no address and in no log."""
    wanted = PatientFilter(patient_id, patient_name)
    with context_of(request).ledger.reading() as tx:
        found = studies_of_patient(tx, wanted)
        listed = StudyFilter(study_instance_uids=found.study_instance_uids)
        shown = list_studies(tx, listed, len(found.study_instance_uids)) if found.study_instance_uids else ()
    who.record("search-patient", "study", "", "done", f"{len(shown)} found")
    return _page(request, ListAddress(), shown, patient=wanted, is_whole=found.is_whole)


@router.get("/studies.csv")
def studies_csv(request: Request, visitor: Viewer, address: Address) -> StreamingResponse:
    """The filtered list for a spreadsheet, without a word of the patients."""
    lines = _csv_lines(context_of(request).ledger, address.wanted)
    headers = {"content-disposition": 'attachment; filename="studies.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def _page(
    request: Request,
    address: ListAddress,
    shown: Sequence[StudySummary],
    following: str = "",
    patient: PatientFilter | None = None,
    is_whole: bool = True,
    looked_until: datetime | None = None,
) -> HTMLResponse:
    remote_aes = context_of(request).settings().remote_aes
    return page(
        request,
        "studies.html",
        address=address,
        studies=shown,
        following=following,
        patient=patient,
        is_whole=is_whole,
        looked_until=looked_until,
        states=STATES,
        sources=sorted(name for name, remote in remote_aes.items() if remote.may_send),
        image_words=IMAGE_WORDS,
        delivery_words=DELIVERY_WORDS,
    )


def _csv_lines(ledger: Ledger, wanted: StudyFilter) -> Iterator[str]:
    """Each batch is read by itself, so that a slow browser holds no transaction open."""
    yield _line(COLUMNS)
    last, count = None, 0
    while count < CSV_STUDIES_MAX:
        with ledger.reading() as tx:
            batch = page_of_studies(tx, wanted, min(CSV_BATCH, CSV_STUDIES_MAX - count), last)
        yield "".join(_line(_cells(one)) for one in batch.studies)
        if batch.next is None:
            return
        count, last = count + len(batch.studies), batch.next


def _cells(study: StudySummary) -> tuple[str, ...]:
    return (
        in_utc(study.first_received_at),
        study.study_instance_uid,
        study.accession_number,
        " ".join(study.sources),
        "; ".join(f"{state} {count}" for state, count in study.images.items()),
        " ".join(study.declines),
        "; ".join(f"{name} {probability:.4f}" for name, probability in study.positives.items()),
        "; ".join(f"{state} {count}" for state, count in study.deliveries.items()),
        str(study.dead_jobs),
    )


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell for cell in cells])
    return text.getvalue()
