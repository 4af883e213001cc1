"""The page of one study: its films with their maps, what was found or refused, every step, the results, and acts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from converter.declined import REASON_OF_CODE
from converter.result.kinds.table import RESULT_KINDS
from converter.result.patient import Patient
from converter.result.unplaced import UNPLACED
from scp_node.ledger import EventRow
from scp_node.ledger.records import LIVE_JOBS, now_utc
from scp_node.queries.films import FoundPlace, found_places, outlined_images
from scp_node.queries.patients import patients_of
from scp_node.queries.studies import StudyFilter, list_studies
from scp_node.queries.study_story import ImageStory, StudyStory, story_of
from scp_node.web.access.viewing import note_viewed
from scp_node.web.access.visitor import Viewer
from scp_node.web.console.reproductions import reproductions_of
from scp_node.web.console.state_words import DELIVERY_WORDS, IMAGE_WORDS, JOB_WORDS, RESULT_WORDS
from scp_node.web.console.step_words import STEP_WORDS
from scp_node.web.context import context_of
from scp_node.web.pages.captions import Captions, language_of
from scp_node.web.pages.rendering import page

# Images, reports, jobs and events that a page shows of each; `hilum explain` shows all of them.
ROWS_MAX = 150
# A study whose images name more patients than this is a fault that the first ones show.
PATIENTS_MAX = 10
# What waits no longer than this is worth asking for.
SOON_S = 60
# Captions of what an act has done, by the word that the address has after it.
SAID = {
    "retried": "What was given up is tried again now.",
    "partly-retried": "Some of what was given up is tried again now; the rest somebody else has changed meanwhile.",
    "not-retried": "Nothing is tried again: somebody else has changed meanwhile what was given up.",
    "anew": "The study is reported anew; the next revision appears here.",
    "sent": "The results are on their way.",
    "nothing-sent": "The results are on their way there already.",
    "reproducing": "The analysis runs again; its outcome appears below.",
}

WORDS = {
    "image": IMAGE_WORDS,
    "delivery": DELIVERY_WORDS,
    "job": JOB_WORDS,
    "step": STEP_WORDS,
    "result": RESULT_WORDS,
}
# What the script of the viewer needs to know of a finding.
MAP_FIELDS = ("name", "meaning", "positive", "outlines")

router = APIRouter()


@dataclass(frozen=True)
class ShownFilm:
    """One film of the viewer. maps: name, meaning and outlines of each finding, as JSON for the script. has_lungs:
    whether there is an outline of the lungs."""

    number: int
    sop_instance_uid: str
    maps: str
    has_lungs: bool


@dataclass(frozen=True)
class ShownPatient:
    """A patient as people read it: each writing of the name by itself."""

    names: tuple[str, ...]
    id: str
    issuer: str
    born: str


@dataclass(frozen=True)
class ShownEvent:
    """What happened, and how often the same came of the same step; `event` is the last time."""

    event: EventRow
    times: int


@router.get("/studies/{study_instance_uid}")
def study(request: Request, visitor: Viewer, study_instance_uid: str, said: str = "") -> HTMLResponse:
    """Everything that is known of it; 404, and where to look, for one that never came."""
    context = context_of(request)
    with context.ledger.reading() as tx:
        found = list_studies(tx, StudyFilter(study_instance_uids=(study_instance_uid,)), 1)
        if not found:
            return unknown(request)
        story = story_of(tx, study_instance_uid, ROWS_MAX)
        places, patients = found_places(tx, study_instance_uid), patients_of(tx, study_instance_uid)
        outlined = outlined_images(tx, study_instance_uid)
    note_viewed(context, visitor, study_instance_uid)
    return page(
        request,
        "study.html",
        study=found[0],
        story=story,
        patients=[_shown(patient) for patient in patients[:PATIENTS_MAX]],
        events=_events(story.events),
        films=_films(story.images, places, outlined),
        lung_places={(uid, one.name): one.place.parts for uid, of in places.items() for one in of if one.place},
        unplaced={
            (uid, one.name): UNPLACED.get(one.unplaced, one.unplaced)
            for uid, of in places.items()
            for one in of
            if one.unplaced
        },
        meanings={place.name: place.meaning for one in places.values() for place in one},
        declines=REASON_OF_CODE,
        has_dead=found[0].dead_jobs > 0,
        has_results=any(report.results for report in story.reports),
        is_working=_is_working(story),
        destinations=sorted(context.settings().destination_names),
        reproductions=reproductions_of(request).of(
            [result.sop_instance_uid for report in story.reports for result in report.results]
        ),
        reproducible=RESULT_KINDS,  # a message says what these say, and is not compared
        said=SAID.get(said, ""),
        words=WORDS,
    )


def unknown(request: Request) -> HTMLResponse:
    captions = Captions(language_of(request))
    text = captions(
        "No study of this UID is in the ledger: it never came, or it was erased. Look for it by its accession number "
        "in the list of studies; Remote AEs says what was refused."
    )
    return page(request, "message.html", 404, heading=captions("No such study"), text=text)


def _shown(patient: Patient) -> ShownPatient:
    names = (_read(writing) for writing in patient.name.split("="))
    born = patient.birth_date
    is_date = len(born) == 8 and born.isdigit()
    return ShownPatient(
        names=tuple(name for name in names if name),
        id=patient.id,
        issuer=patient.id_issuer,
        born=f"{born[:4]}-{born[4:6]}-{born[6:]}" if is_date else born,
    )


def _read(writing: str) -> str:
    """FAMILY^GIVEN^MIDDLE as FAMILY, GIVEN MIDDLE."""
    family, *others = (part.strip() for part in writing.split("^"))
    given = " ".join(part for part in others if part)
    return f"{family}, {given}" if family and given else family or given


def _events(events: Sequence[EventRow]) -> list[ShownEvent]:
    """In the order of time. What a subject went through again, with the same outcome, is one line with its last time:
    an archive that is away makes no page of attempts."""
    found: dict[tuple[str, int], ShownEvent] = {}
    lines: dict[str, int] = {}
    for event in events:
        line = lines.get(event.subject, 0)
        last = found.get((event.subject, line))
        if last is None or (last.event.step, last.event.outcome) != (event.step, event.outcome):
            lines[event.subject] = line = line + 1
        times = found[event.subject, line].times if (event.subject, line) in found else 0
        found[event.subject, line] = ShownEvent(event, times + 1)
    return sorted(found.values(), key=lambda one: one.event.at)


def _films(
    images: Sequence[ImageStory], places: dict[str, tuple[FoundPlace, ...]], outlined: frozenset[str]
) -> list[ShownFilm]:
    """Those whose file is still there and has pixels."""
    there = [image for image in images if not image.removed and image.decline_code != "no-pixels"]
    return [
        ShownFilm(number, uid, _maps(places.get(uid, ())), uid in outlined)
        for number, uid in enumerate((image.sop_instance_uid for image in there), 1)
    ]


def _unplaced(places: dict[str, tuple[FoundPlace, ...]]) -> dict[tuple[str, str], str]:
    """Why a finding of an image has no place, by both; another release may have written another reason."""
    return {
        (uid, one.name): UNPLACED.get(one.unplaced, one.unplaced)
        for uid, found in places.items()
        for one in found
        if one.unplaced
    }


def _maps(places: Sequence[FoundPlace]) -> str:
    return json.dumps([{name: getattr(place, name) for name in MAP_FIELDS} for place in places])


def _is_working(story: StudyStory) -> bool:
    """Whether something changes soon: what waits for an archive that is away is not asked for every few seconds."""
    soon = now_utc() + timedelta(seconds=SOON_S)
    return any(job.state in LIVE_JOBS and (job.state != "waiting" or job.due_at <= soon) for job in story.jobs)
