"""Skips tests by the name of what this machine lacks, and gives every test a folder and a quiet log of its own."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from scp_node.ledger import Ledger
from tests.support import fuzz
from tests.support.cohorts.data import require_data
from tests.support.ledger.ledgers import new_ledger
from tests.support.node.command import Hilum
from tests.support.peers.certificates import Authority
from tests.support.peers.ports import free_port

settings.load_profile(fuzz.PROFILE)
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`@pytest.mark.peer("storescu", "Orthanc")`: real programs; `@pytest.mark.data`: the development radiographs."""
    names = [name for marker in item.iter_markers("peer") for name in marker.args]
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    if item.get_closest_marker("data") is not None:
        require_data()


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Commands keep their files private, for the whole of their process: here for one test."""
    kept = os.umask(0o022)
    os.umask(kept)
    yield
    os.umask(kept)


@pytest.fixture
def port() -> int:
    """A TCP port of this machine that nobody listens on."""
    return free_port()


@pytest.fixture
def radiographs() -> Path:
    """The folder with cxr/ and dicom/; the test is skipped when there is none."""
    return require_data()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom node and peers of this module trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger in a file of its own."""
    one = new_ledger(tmp_path)
    yield one
    one.engine.dispose()


@pytest.fixture
def hilum(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hilum:
    """The command line."""
    return Hilum(monkeypatch, capsys)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A test may configure logging; the next one starts as this one did."""
    root, showwarning = logging.getLogger(), warnings.showwarning
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], warnings.showwarning = handlers, showwarning
    root.setLevel(level)
