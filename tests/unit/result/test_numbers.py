"""Each series of results of a study has a number of its own, however many images the study has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.result.kinds.table import RESULT_KINDS
from converter.result.series_numbers import NUMBERS, OF_FILM, OF_STUDY, film_numbers, film_series_number

IS_MAX = 2**31 - 1


@pytest.mark.parametrize("images", [1, 2, 40, NUMBERS, NUMBERS + 300])
def test_no_two_images_of_a_study_share_a_number(images: int) -> None:
    uids = [f"1.2.3.{number}" for number in range(images)]
    numbers = film_numbers(uids)
    assert set(numbers) == set(uids) and len(set(numbers.values())) == images and min(numbers.values()) >= 1
    assert film_numbers(reversed(uids)) == numbers


def test_an_image_keeps_its_number_when_others_come() -> None:
    before, after = film_numbers(["1.2.3.1"]), film_numbers(["1.2.3.1", "1.2.3.2", "1.2.3.3"])
    assert after["1.2.3.1"] == before["1.2.3.1"]


def test_every_kind_has_its_numbers() -> None:
    assert set(RESULT_KINDS) <= set(OF_STUDY) | set(OF_FILM) and not set(OF_STUDY) & set(OF_FILM)


@pytest.mark.parametrize("films", [1, NUMBERS, NUMBERS + 1, 1001, 1002, 12_000])
def test_no_two_series_of_a_study_share_a_number(films: int) -> None:
    of_films = [film_series_number(kind, number) for kind in OF_FILM for number in range(1, films + 1)]
    every = [*OF_STUDY.values(), *of_films]
    assert len(set(every)) == len(every)


@given(st.lists(st.integers(1, 10**8), min_size=2, max_size=2, unique=True), st.sampled_from(sorted(OF_FILM)))
def test_numbers_of_any_two_films_and_kinds_differ(numbers: list[int], kind: str) -> None:
    found = [film_series_number(one, number) for number in numbers for one in OF_FILM]
    assert len({*found, *OF_STUDY.values()}) == len(found) + len(OF_STUDY) and max(found) <= IS_MAX
    assert film_series_number(kind, numbers[0]) in found
