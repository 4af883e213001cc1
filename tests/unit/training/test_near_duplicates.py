"""The same film is found again, and another film is not."""

from __future__ import annotations

import numpy as np
import pytest

from training.data import near_duplicates
from training.data.near_duplicates import CORRELATION_MIN, correlated


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 32, 32)).astype(np.float32)


def test_a_film_with_another_contrast_and_a_little_noise_is_the_same_and_others_are_not() -> None:
    films = noise(6)
    again = 0.4 * films[2] + 0.3 + np.random.default_rng(1).normal(0, 0.005, (32, 32)).astype(np.float32)
    assert correlated(np.concatenate([films, again[np.newaxis]])) == [(2, 6)]


@pytest.mark.parametrize("correlation, found", [(CORRELATION_MIN - 0.001, []), (CORRELATION_MIN + 0.001, [(0, 1)])])
def test_the_limit_is_the_correlation_that_is_stated(correlation: float, found: list[tuple[int, int]]) -> None:
    one, other = noise(2).reshape(2, -1).astype(np.float64)
    one = (one - one.mean()) / one.std()
    other = other - other.mean() - (other @ one) / len(one) * one
    mixed = correlation * one + np.sqrt(1 - correlation**2) * other / other.std()
    pair = np.stack([one, mixed]).reshape(2, 32, 32).astype(np.float32)
    assert np.corrcoef(pair[0].ravel(), pair[1].ravel())[0, 1] == pytest.approx(correlation, abs=1e-5)
    assert correlated(pair) == found


def test_images_of_one_gray_value_are_like_no_other() -> None:
    assert correlated(np.concatenate([np.zeros((3, 32, 32), np.float32), np.ones((2, 32, 32), np.float32)])) == []


def test_every_pair_is_found_once_across_the_borders_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "BLOCK", 4)
    films = noise(11)
    films[9], films[3], films[10] = films[1], films[2], films[1]
    assert sorted(correlated(films)) == [(1, 9), (1, 10), (2, 3), (9, 10)]
