"""What happened to a study, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from converter.page.counted import counted
from scp_node.cli.moments import local
from scp_node.ledger import EventRow
from scp_node.queries.deliveries import DeliveryRecord
from scp_node.queries.study_story import ROWS_MAX, ImageStory, ReportStory, StudyStory


def study_lines(story: StudyStory) -> Iterator[str]:
    """The lines that explain one study."""
    yield f"Study {story.study_instance_uid}"
    for image in story.images:
        yield from _image(image)
    for report in story.reports:
        yield from _report(report)
    for job in story.jobs:
        if job.state != "done":
            due = f", due {local(job.due_at)}" if job.state in ("queued", "waiting") else ""
            error = f": {job.error}" if job.error else ""
            yield f"  job {job.job_id}: {job.state} after {counted(job.attempts, 'attempt')}{due}{error}"
    yield "  What happened:"
    for event in story.events:
        yield f"    {_event(event)}"
    if not story.is_whole:
        yield f"  Not everything is shown: at most {ROWS_MAX} images, reports, jobs and events, of these the last."


def _image(image: ImageStory) -> Iterator[str]:
    came = f"received {local(image.received_at)} from {image.source}"
    why = f": {image.decline_code}: {image.reason}" if image.decline_code else ""
    gone = f"; {image.removed}" if image.removed else ""
    yield f"  image {image.sop_instance_uid}: {came}; {image.state}{why}{gone}"
    for found in image.findings:
        decision = "positive" if found.positive else "negative"
        yield (
            f"    {found.name}: probability {100 * found.probability:.2f} %, {decision} "
            f"(threshold {100 * found.threshold:.2f} %){f'; {found.place}' if found.place else ''}"
        )
    for note in image.notes:
        yield f"    note: {note}"


def _report(report: ReportStory) -> Iterator[str]:
    state = "built" if report.built_at else "abandoned, an image changed" if report.is_abandoned else "being built"
    yield (
        f"  report revision {report.revision} (route {report.route}, model {report.model}): {state}, "
        f"covers {counted(report.images, 'image')}"
    )
    for result in report.results:
        yield f"    {result.kind} {result.sop_instance_uid}"
        for delivery in result.deliveries:
            yield f"      {_delivery(delivery)}"


def _delivery(delivery: DeliveryRecord) -> str:
    again = f", next at {local(delivery.next_attempt_at)}" if delivery.next_attempt_at else ""
    attempts = counted(delivery.attempts, "attempt")
    return f"to {delivery.destination}: {delivery.state} after {attempts}{again}; {delivery.detail}"


def _event(event: EventRow) -> str:
    took = "" if event.took_ms is None else f" ({event.took_ms:.0f} ms)"
    return f"{local(event.at, 'milliseconds')} {event.step}: {event.outcome}{took} [{event.subject[-12:]}]"
