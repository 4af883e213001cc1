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
from tests.support.ledger.databases import ledgers_in
from tests.support.ledger.ledgers import new_ledger
from tests.support.node.command import Hilum
from tests.support.peers.certificates import Authority
from tests.support.peers.moto import Moto, require_s3
from tests.support.peers.ports import free_port
from tests.support.peers.postgresql import Postgresql, shared_postgresql
from tests.support.peers.program import running

settings.load_profile(fuzz.PROFILE)
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes that run tests side by side must call them alike, and no address is the same in two of them."""
    addressed = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if addressed:
        raise pytest.UsageError(f"the name of a test holds an address: {addressed[0]}")


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


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgresql]:
    """A PostgreSQL server that all test processes share."""
    folder = tmp_path_factory.getbasetemp()
    with shared_postgresql(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) as server:
        yield server


@pytest.fixture(scope="session")
def running_moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """An object store of this test process."""
    require_s3()
    with running(Moto(tmp_path_factory.mktemp("moto"))) as one:
        yield one


@pytest.fixture
def moto(running_moto: Moto) -> Moto:
    """The same, empty."""
    running_moto.empty()
    return running_moto


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each database that a ledger can be in: the ledgers of the test are there."""
    if request.param == "sqlite":
        yield request.param
        return
    with ledgers_in(request.getfixturevalue("postgresql")):
        yield request.param


@pytest.fixture
def empty_ledger(database: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger of its own, in each database."""
    one = new_ledger(tmp_path)
    yield one
    one.engine.dispose()


@pytest.fixture
def ledger(empty_ledger: Ledger) -> Ledger:
    """The ledger that a test works on; some folders have one that is filled."""
    return empty_ledger


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
