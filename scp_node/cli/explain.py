"""`hilum explain`: what happened to a study, or why nothing comes from a device, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from scp_node.cli.caller_lines import caller_lines
from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, opened_node
from scp_node.cli.terminal import say
from scp_node.errors import UsageError
from scp_node.ledger import EventRow, Ledger
from scp_node.queries.caller_story import CallerStory, caller_story
from scp_node.queries.deliveries import DeliveryRecord
from scp_node.queries.study_story import ROWS_MAX, ImageStory, ReportStory, StudyStory, story_of, studies_named

STUDIES_MAX = 1_000


def explain(
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="ACCESSION|UID|AE_TITLE",
            help="Accession number, or a study, image or result UID; or an AE title, or the name of a remote AE.",
        ),
    ] = None,
    ae: Annotated[
        str | None, typer.Option(metavar="AE_TITLE", help="An AE title or a remote AE, and no study.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Every step of a study in plain words: what came, what was found or refused and why, what was delivered. Of an AE
    title: when it called, what it was refused, and why nothing comes from it."""
    wanted = ae or key
    if not wanted:
        raise UsageError("name a study or an AE title")
    with opened_node(config) as (settings, ledger):
        with ledger.reading() as tx:
            studies = () if ae else studies_named(tx, wanted, STUDIES_MAX + 1)
            caller = None if studies else caller_story(tx, settings, wanted)
        if caller is not None:
            _show_caller(caller, is_title=ae is not None)
        for study_instance_uid in studies[:STUDIES_MAX]:
            for line in explanation(ledger, study_instance_uid):
                say(line)
        if len(studies) > STUDIES_MAX:
            say(f"There are more than {STUDIES_MAX} studies under {wanted}.")


def _show_caller(story: CallerStory, *, is_title: bool) -> None:
    """Raises UsageError where it never called."""
    lines = list(caller_lines(story))
    if story.callers:
        for line in lines:
            say(line)
    elif is_title or story.is_known:
        raise _never_called(lines)
    else:
        raise _never_called([f"nothing was received under {story.ae_title}", *lines])


def _never_called(lines: list[str]) -> UsageError:
    error = UsageError(lines[0])
    error.further_lines = tuple(lines[1:])
    return error


def explanation(ledger: Ledger, study_instance_uid: str) -> list[str]:
    """The lines that explain one study."""
    with ledger.reading() as tx:
        story = story_of(tx, study_instance_uid)
    return list(_lines(story))


def _lines(story: StudyStory) -> Iterator[str]:
    yield f"Study {story.study_instance_uid}"
    for image in story.images:
        yield from _image(image)
    for report in story.reports:
        yield from _report(report)
    for job in story.jobs:
        if job.state != "done":
            error = f": {job.error}" if job.error else ""
            yield f"  job {job.job_id}: {job.state}, attempt {job.attempt}{error}"
    yield "  What happened, in UTC:"
    for event in story.events:
        yield f"    {_event(event)}"
    if not story.is_whole:
        yield f"  Not everything is shown: at most {ROWS_MAX} images, reports, jobs and events, of these the last."


def _image(image: ImageStory) -> Iterator[str]:
    came = f"received {image.received_at:%Y-%m-%d %H:%M:%S} UTC from {image.source}"
    why = f": {image.decline_code}: {image.reason}" if image.decline_code else ""
    yield f"  image {image.sop_instance_uid}: {came}; {image.state}{why}"
    for found in image.findings:
        decision = "positive" if found.positive else "negative"
        yield (
            f"    {found.name}: probability {100 * found.probability:.2f} %, {decision} "
            f"(threshold {100 * found.threshold:.2f} %)"
        )
    for note in image.notes:
        yield f"    note: {note}"


def _report(report: ReportStory) -> Iterator[str]:
    state = "built" if report.built_at else "abandoned, an image changed" if report.is_abandoned else "being built"
    yield (
        f"  report revision {report.revision} (route {report.route}, model {report.model}): {state}, "
        f"covers {report.images} image{'s' if report.images != 1 else ''}"
    )
    for result in report.results:
        yield f"    {result.kind} {result.sop_instance_uid}"
        for delivery in result.deliveries:
            yield f"      {_delivery(delivery)}"


def _delivery(delivery: DeliveryRecord) -> str:
    again = f", next at {delivery.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC" if delivery.next_attempt_at else ""
    attempts = f"{delivery.attempts} attempt{'s' if delivery.attempts != 1 else ''}"
    return f"to {delivery.destination}: {delivery.state} after {attempts}{again}; {delivery.detail}"


def _event(event: EventRow) -> str:
    took = "" if event.took_ms is None else f" ({event.took_ms:.0f} ms)"
    return f"{event.at:%H:%M:%S.%f}"[:-3] + f" {event.step}: {event.outcome}{took} [{event.subject[-12:]}]"
