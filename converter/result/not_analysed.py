"""What results say of the films of a study that were not analysed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydicom import Dataset

from converter.declined import REASON_OF_CODE, Declined
from converter.result.film_names import film_names
from converter.result.labels import ANALYSED_OF, NOT_ANALYSED_OF, ONE_ANALYSED, ONE_NOT_ANALYSED
from converter.words.catalogue import ENGLISH, Say

REMARKS_MAX = 3

# Name of a film, and why it was not analysed.
NamedReason = tuple[str, str]


def named_reasons(
    sources: Sequence[Dataset], declined: Mapping[str, Declined], say: Say = ENGLISH
) -> tuple[NamedReason, ...]:
    """Of each film that was not analysed; `declined`: by SOP Instance UID, of some of `sources`."""
    names = film_names(sources, say)
    return tuple((names[uid], say(REASON_OF_CODE[one.code].sentence)) for uid, one in declined.items())


def not_analysed(sources: Sequence[Dataset], declined: Mapping[str, Declined], say: Say = ENGLISH) -> tuple[str, ...]:
    """How many of the films of a study were not analysed, and each with the reason; a bounded number of lines, empty
    where all were."""
    if not declined:
        return ()
    told = [f"{name}: {reason}" for name, reason in named_reasons(sources, declined, say)][:REMARKS_MAX]
    if len(sources) == 1:
        return tuple(told)
    first = say(NOT_ANALYSED_OF, count=len(declined), received=len(sources))
    return (f"{first}: {told[0]}",) if len(declined) == 1 else (first, *told)


def analysed_count(analysed: int, received: int, say: Say = ENGLISH) -> str:
    """How many of the films that came were analysed."""
    if received == 1:
        return say(ONE_ANALYSED if analysed else ONE_NOT_ANALYSED)
    return say(ANALYSED_OF, analysed=analysed, received=received)
