"""`hilum` as it is called from a shell, over the ledger of a node that has received a few studies."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scp_node.cli import build_app
from tests.unit.queries.cases import fill


@pytest.fixture(autouse=True)
def in_zurich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clocks that are an hour ahead of UTC, in summer two."""
    monkeypatch.setenv("TZ", "Europe/Zurich")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a node that has run."""
    fill(tmp_path)
    pacs = {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}
    routes = [{"name": "chest", "model": "tiny", "to": ["pacs"]}]
    node = {"ae_title": "HILUM", "data_dir": str(tmp_path)}
    path = tmp_path / "node.yaml"
    path.write_text(json.dumps({"node": node, "remote_aes": {"pacs": pacs}, "routes": routes}))
    return path


@pytest.fixture
def hilum(config: Path) -> Callable[..., Result]:
    """Run one command with that configuration."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(build_app(words[0]), [*words, "--config", str(config)], env={"COLUMNS": "120"})

    return run
