"""The command `hilum`, called in this process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scp_node.cli import main
from tests.support.checkout import GOLDEN


class Run(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Hilum:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str | Path) -> Run:
        self._monkeypatch.setattr(sys, "argv", ["hilum", *map(str, arguments)])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = self._capsys.readouterr()
        return Run(int(left.value.code or 0), out, err)

    def predict(self, *arguments: str | Path) -> Run:
        return self("predict", "--models-dir", GOLDEN, "--model", "tiny", *arguments)
