"""How long random input is tried: the same examples at every `make test`, many more and new ones in `make soak`.

HILUM_FUZZ_TIMES multiplies the number of examples; beyond 1 they are drawn anew, from the seed that pytest was given
(`--hypothesis-seed`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("HILUM_FUZZ_TIMES", "1"))
PROFILE = "hilum"
settings.register_profile(PROFILE, deadline=None, derandomize=TIMES == 1, database=None, print_blob=True)


def fuzz(examples: int) -> Callable[[Any], Any]:
    """Decorator under `@given`: so many examples, times HILUM_FUZZ_TIMES."""
    # fixtures that outlive an example are meant: one receiver stands all of them
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    limits = settings(settings.get_profile(PROFILE), max_examples=examples * TIMES, suppress_health_check=slow)
    return lambda test: pytest.mark.fuzz(limits(test))
