"""What came of a changed configuration is written down whole, and read only when it is whole."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scp_node.settings.reloading import FILE_NAME, ReloadOutcome, last_reload, write_reload


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert last_reload(tmp_path) is None
    said = ReloadOutcome("ab" * 32, datetime.now(UTC), ("report", "web"), ("web",), ("node.yaml:1:1: x: y",))
    write_reload(tmp_path, said)
    assert last_reload(tmp_path) == said


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sha256": "x", "at": "never", "changed": [], "kept_back": []}'])
def test_what_cannot_be_read_is_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    assert last_reload(tmp_path) is None


def test_a_pipe_of_that_name_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE_NAME)
    assert last_reload(tmp_path) is None
