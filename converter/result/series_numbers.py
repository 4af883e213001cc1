"""Series Numbers of our results: behind those of acquired series, and no two results of a study share one."""

from __future__ import annotations

from collections.abc import Iterable

from converter.result.provenance import result_uid

# Results of which a study has one series.
OF_STUDY = {"sr": 9001, "kos": 9004, "text_sr": 9005, "rejection": 9006, "pdf": 9010, "messages": 9090, "status": 9100}
# Results with a series for each film: the numbers behind it, as many as NUMBERS.
OF_FILM = {"heatmap": 9100, "gsps": 10100}
NUMBERS = 899
# Of films of a larger study, a CT for instance: STEP numbers a film, one for each kind.
BEYOND, STEP = 20_000, 10


def film_series_number(kind: str, number: int) -> int:
    """The Series Number of the result of `kind` over film `number` of `film_numbers`."""
    if number <= NUMBERS:
        return OF_FILM[kind] + number
    return BEYOND + STEP * number + tuple(OF_FILM).index(kind)


def film_numbers(sop_instance_uids: Iterable[str]) -> dict[str, int]:
    """A number of its own for each image of a study, which the next report gives it again: it follows from the UID, and
    only of two images that would have the same one the second in order takes the next. A study of more images than
    there are NUMBERS has larger ones."""
    found: dict[str, int] = {}
    taken: set[int] = set()
    for uid in sorted(sop_instance_uids):
        own = 1 + int(str(result_uid("number", uid)).rpartition(".")[2]) % NUMBERS
        number = own if len(taken) < NUMBERS else len(taken) + 1
        while number in taken:
            number = 1 + number % NUMBERS
        found[uid] = number
        taken.add(number)
    return found
