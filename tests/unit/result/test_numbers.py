"""Each heat map of a study has a number of its own, however many images the study has."""

from __future__ import annotations

import pytest

from converter.result.kinds.heatmap import NUMBERS, numbers_of


@pytest.mark.parametrize("images", [1, 2, 40, NUMBERS, NUMBERS + 300])
def test_no_two_images_of_a_study_share_a_number(images: int) -> None:
    uids = [f"1.2.3.{number}" for number in range(images)]
    numbers = numbers_of(uids)
    assert set(numbers) == set(uids) and len(set(numbers.values())) == images and min(numbers.values()) >= 1
    assert numbers_of(reversed(uids)) == numbers


def test_an_image_keeps_its_number_when_others_come() -> None:
    before, after = numbers_of(["1.2.3.1"]), numbers_of(["1.2.3.1", "1.2.3.2", "1.2.3.3"])
    assert after["1.2.3.1"] == before["1.2.3.1"]
