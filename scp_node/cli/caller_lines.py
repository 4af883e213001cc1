"""What is known of a calling AE title, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scp_node.ledger.callers import CallerRecord, Tally
from scp_node.queries.caller_story import CallerStory


def caller_lines(story: CallerStory) -> Iterator[str]:
    """The lines that explain one caller."""
    configured = f"in the configuration: {', '.join(story.remote_aes)}" if story.remote_aes else "not configured"
    yield f"AE title {story.ae_title} ({configured})"
    for caller in story.callers:
        yield from _caller(caller)
    if story.advice:
        yield "  What to look at:"
    for advice in story.advice:
        yield f"    - {advice}"


def _caller(caller: CallerRecord) -> Iterator[str]:
    called = f"calling {caller.called_ae_title}" if caller.calling_ae_title else "without AE titles"
    seen = f"first {caller.first_seen_at:%Y-%m-%d %H:%M:%S}, last {caller.last_seen_at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"  from {caller.address}, {called}: {seen}"
    yield f"    associations {caller.associations}, of these without a message {caller.silent}"
    if caller.stored or caller.refused:
        last = f", the last at {caller.last_stored_at:%Y-%m-%d %H:%M:%S} UTC" if caller.last_stored_at else ""
        yield f"    objects stored {caller.stored}{last}; refused {caller.refused}"
    if caller.last_refused_at:
        yield f"    last refusal {caller.last_refused_at:%Y-%m-%d %H:%M:%S} UTC: {caller.last_refusal}"
    yield from _tallies("turned away", caller.rejections)
    yield from _tallies("refused presentation context", caller.contexts)


def _tallies(what: str, tallies: Mapping[str, Tally]) -> Iterator[str]:
    for reason, tally in tallies.items():
        yield f"    {what} {tally.times} times, last {tally.last_at:%Y-%m-%d %H:%M:%S} UTC: {reason}"
