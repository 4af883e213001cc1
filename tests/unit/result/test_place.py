"""A place in the lungs is told in the words of a reader, and comes back from the ledger as it went in."""

from __future__ import annotations

import pytest

from converter.result.place import Place, Side
from scp_node.web.pages.captions import NAMES, words_of

CASES: list[tuple[Place, Side | None, str]] = [
    (Place(right=("lower",)), "right", "right lung, lower zone"),
    (Place(left=("upper",)), "left", "left lung, upper zone"),
    (Place(right=("upper", "middle")), "right", "right lung, upper and middle zones"),
    (Place(left=("upper", "middle", "lower")), "left", "left lung, all zones"),
    (Place(("middle",), ("middle",)), "both", "both lungs, middle zones"),
    (Place(("middle", "lower"), ("middle", "lower")), "both", "both lungs, middle and lower zones"),
    (Place(("upper", "middle", "lower"), ("upper", "middle", "lower")), "both", "both lungs, all zones"),
    (Place(("lower",), ("middle",)), "both", "right lung, lower zone; left lung, middle zone"),
    (Place(("upper", "lower"), ("lower",)), "both", "right lung, upper and lower zones; left lung, lower zone"),
    (Place(), None, "outside the outlined lungs"),
]


@pytest.mark.parametrize(("place", "side", "words"), CASES, ids=[words for _, _, words in CASES])
def test_a_place_in_words(place: Place, side: Side | None, words: str) -> None:
    assert (place.side, place.words) == (side, words)


@pytest.mark.parametrize("place", [place for place, _, _ in CASES])
def test_a_place_comes_back_as_it_was_stored(place: Place) -> None:
    assert Place.of_stored(place.stored()) == place


def test_nothing_stored_is_no_place() -> None:
    assert Place.of_stored(None) is None


@pytest.mark.parametrize("language", [one for one in NAMES if one != "en"])
def test_every_phrase_has_its_words_in_the_console(language: str) -> None:
    zones: list[tuple[str, ...]] = [
        *(("upper",), ("middle",), ("lower",), ("upper", "middle"), ("middle", "lower"), ("upper", "lower")),
        ("upper", "middle", "lower"),
    ]
    places = [Place(right, left) for right in [(), *zones] for left in [(), *zones]]  # type: ignore[arg-type]
    phrases = {phrase for place in places for part in place.parts for phrase in part}
    assert len(phrases) == 14 and phrases <= words_of(language).keys()
