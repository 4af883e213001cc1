"""Made cases for the tests of judging: scores that lean on the truth, two views, several images a patient."""

from __future__ import annotations

import numpy as np

from converter.declined import Declined
from converter.evaluation.cases import Case
from converter.package.manifest import Manifest
from tests.unit.package.test_manifest import valid_manifest


def manifest() -> Manifest:
    return Manifest.model_validate(valid_manifest())


def made_cases(number: int = 120, source: str = "ward", seed: int = 1, declined: int = 0) -> list[Case]:
    """The last `declined` of them are declined."""
    rng = np.random.default_rng(seed)
    cases = []
    for n in range(number):
        view = "AP" if rng.random() < 0.5 else "PA"
        present = bool(rng.random() < (0.7 if view == "AP" else 0.3))
        score = float(np.clip(0.3 + 0.35 * present + 0.1 * (view == "AP") + rng.normal(0, 0.15), 0, 1))
        refused = n >= number - declined
        cases.append(
            Case(
                name=f"{source}/film-{n}.png",
                patient=f"{source}:{n // 2}",
                source=source,
                truth={"pneumonia": present},
                probability={} if refused else {"pneumonia": score},
                declined=Declined("implausible-blank", "the image is blank") if refused else None,
                view=view,
                sex="MF"[n % 2],
                age_years=float(rng.integers(2, 80)),
            )
        )
    return cases
