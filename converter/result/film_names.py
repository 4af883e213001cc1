"""What people call a film: its view and its Instance Number, "AP 1"; never its place in a sort of UIDs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pydicom import Dataset

from converter.image.header import whole_number
from converter.image.views import LATERAL, MAMMOGRAPHIC, OBLIQUE, named_view
from converter.words.catalogue import ENGLISH, Say

# Every word of a view as it is said; abbreviations that readers use stay as they are.
VIEW_NAMES: dict[str, str] = {
    **dict.fromkeys(LATERAL, "lateral"),
    **dict.fromkeys(OBLIQUE, "oblique"),
    **{word: word for word in MAMMOGRAPHIC},
    "AXIAL": "axial",
    "TANGENTIAL": "tangential",
    "AP": "AP",
    "PA": "PA",
    "FRONTAL": "frontal",
}
UNKNOWN, IN_SERIES = "image", "{film} of series {number}"
NUMBER_MAX = 2**31 - 1  # of an IS (PS3.5 6.2)


def film_name(source: Dataset, say: Say = ENGLISH) -> str:
    """ "AP 1", "lateral 3"; "image 4" where the header names no view, and no number where it has none."""
    view = named_view(source)
    name = say(UNKNOWN if view is None else VIEW_NAMES[view.word])
    number = _number(source, "InstanceNumber")
    return name if number is None else f"{name} {number}"


def film_names(sources: Iterable[Dataset], say: Say = ENGLISH) -> dict[str, str]:
    """Names of the films of a study by SOP Instance UID. Films that share a name get their Series Number beside it."""
    films = {str(source.SOPInstanceUID): source for source in sources}
    names = {uid: film_name(source, say) for uid, source in films.items()}
    counts = Counter(names.values())
    return {uid: _with_series(films[uid], name, say) if counts[name] > 1 else name for uid, name in names.items()}


def _with_series(source: Dataset, name: str, say: Say) -> str:
    number = _number(source, "SeriesNumber")
    return name if number is None else say(IN_SERIES, film=name, number=number)


def _number(source: Dataset, keyword: str) -> int | None:
    number = whole_number(source, keyword)
    return number if number is not None and 0 <= number <= NUMBER_MAX else None
