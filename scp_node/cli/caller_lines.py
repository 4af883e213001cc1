"""What is known of a calling AE title, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from converter.page.counted import counted
from scp_node.cli.moments import local
from scp_node.ledger.callers import CallerRecord, Tally
from scp_node.queries.caller_story import CallerStory

TALLIES_SHOWN = 4


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
    seen = f"first {local(caller.first_seen_at)}, last {local(caller.last_seen_at)}"
    yield f"  from {caller.address}, {called}: {seen}"
    yield f"    associations {caller.associations}, of these without a message {caller.silent}"
    if caller.stored or caller.refused:
        last = f", the last at {local(caller.last_stored_at)}" if caller.last_stored_at else ""
        yield f"    objects stored {caller.stored}{last}; refused {caller.refused}"
    if caller.last_refused_at:
        yield f"    last refusal {local(caller.last_refused_at)}: {caller.last_refusal}"
    yield from _tallies("turned away", caller.rejections)
    yield from _tallies("refused presentation context", caller.contexts)


def _tallies(what: str, tallies: Mapping[str, Tally]) -> Iterator[str]:
    for reason, tally in list(tallies.items())[:TALLIES_SHOWN]:
        yield f"    {what} {counted(tally.times, 'time')}, last {local(tally.last_at)}: {reason}"
    if len(tallies) > TALLIES_SHOWN:
        yield f"    and {len(tallies) - TALLIES_SHOWN} more; --json has all"
