"""The judgement of `make soak`: what grows is seen, what only swings or grew at the start is not."""

from __future__ import annotations

import os
import random

import pytest

from tests.soak.flat import Sample, growing, growth, sample


def series(memory_mib: list[float]) -> list[Sample]:
    return [Sample(250 * index, value, 5, 20) for index, value in enumerate(memory_mib)]


def test_a_slow_leak_is_seen_through_the_noise() -> None:
    rng = random.Random(1)
    leak = series([100 + 0.25 * index + rng.uniform(-2, 2) for index in range(40)])
    assert list(growing(leak)) == ["memory_mib"]
    assert growth(leak, "memory_mib") == pytest.approx(0.25 * 19, abs=1.5)


def test_growth_at_the_start_and_swings_are_flat() -> None:
    rng = random.Random(1)
    assert growing(series([60 + 2.0 * min(index, 15) + rng.uniform(-2, 2) for index in range(40)])) == {}


def test_a_process_is_measured() -> None:
    one = sample(os.getpid(), 7)
    assert one.done == 7 and one.memory_mib > 10 and one.threads >= 1 and one.descriptors >= 3
