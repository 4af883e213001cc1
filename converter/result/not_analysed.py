"""What results say of the images of a study that were not analysed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydicom import Dataset

from converter.declined import REASON_OF_CODE, Declined
from converter.page.counted import counted
from converter.result.film_names import film_names

REMARKS_MAX = 3


def not_analysed(sources: Sequence[Dataset], declined: Mapping[str, Declined]) -> tuple[str, ...]:
    """How many of the images of a study were not analysed, and each with the reason; a bounded number of lines, empty
    where all were. `declined`: by SOP Instance UID."""
    if not declined:
        return ()
    names = film_names(sources)
    first = f"{len(declined)} of {counted(len(sources), 'image')} not analysed"
    told = [f"{names[uid]}: {reason(one)}" for uid, one in declined.items()][:REMARKS_MAX]
    return (f"{first}: {told[0]}",) if len(declined) == 1 else (first, *told)


def reason(declined: Declined) -> str:
    """In a sentence for readers."""
    row = REASON_OF_CODE.get(declined.code)
    return row.sentence if row else declined.reason
