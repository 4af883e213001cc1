"""What tests of own data share: cohorts and caches of their own, and a copy of the drawn films."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from training.data import images
from training.data.cohorts import COHORTS


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In a folder of its own, without the data of this machine; cohorts that the test makes known are forgotten."""
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")
    monkeypatch.delenv("HILUM_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    known = dict(COHORTS)
    yield
    COHORTS.clear()
    COHORTS.update(known)


@pytest.fixture
def films(drawn: Path, tmp_path: Path) -> Path:
    """A copy of what the module has drawn."""
    shutil.copytree(drawn, tmp_path / "films")
    return tmp_path / "films"
