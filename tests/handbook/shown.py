"""What a page of the handbook shows, to be run as it stands there; hosts, ports and folders are those of a test."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.handbook.documents import HANDBOOK
from tests.handbook.markdown import fences

COMMAND_TIMEOUT_S = 90.0
# What this environment calls the command that an administrator types.
_HILUM = f"{sys.executable} -m scp_node.cli"


class Page:
    """The examples of one page, by language, in the order of the page."""

    def __init__(self, name: str) -> None:
        self._fences = fences((HANDBOOK / name).read_text(encoding="utf-8"))

    def blocks(self, language: str) -> list[str]:
        return [fence.text for fence in self._fences if fence.language == language]

    def json(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.blocks("json")]

    def yaml(self) -> list[dict[str, Any]]:
        return [yaml.safe_load(text) for text in self.blocks("yaml")]

    def commands(self, words: str) -> str:
        """The one block of shell lines that holds `words`."""
        (found,) = [text for text in self.blocks("sh") if words in text]
        return found


def typed(commands: str, folder: Path, here: Mapping[str, str]) -> str:
    """Runs shell lines in `folder`, each of `here` replaced, and gives what they print.

    Raises AssertionError with what was printed when one of them fails.
    """
    text = re.sub(r"^hilum\b", _HILUM, commands, flags=re.M)
    for shown, local in here.items():
        assert shown in commands, f"{shown!r} is not in the example any more"
        text = text.replace(shown, local)
    ran = subprocess.run(["sh", "-euc", text], cwd=folder, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def certificates(folder: Path) -> Path:
    """The keys and certificates of both sides, made as the handbook shows, for this machine's address."""
    folder.mkdir()
    made = typed(Page("connect-a-pacs.md").commands("openssl"), folder, {"DNS:$side.example.org": "IP:127.0.0.1"})
    assert made.count("IP Address:127.0.0.1") == made.count("Fingerprint") == 2
    assert made.count("TLS Web Server Authentication, TLS Web Client Authentication") == 2
    return folder


def local_node(shown: Mapping[str, Any], port: int, certificates: Path | None = None) -> dict[str, Any]:
    """Sections of a configuration for a node of a test: the PACS is on this machine at `port`."""
    pacs = {**shown["remote_aes"]["pacs"], "host": "127.0.0.1", "port": port}
    if "addresses" in pacs:
        pacs["addresses"] = ["127.0.0.1"]
    sections: dict[str, Any] = {"remote_aes": {"pacs": pacs}}
    if certificates is not None:
        sections["tls"] = dict(shown["tls"])
        for key in ("certificate", "key", "ca"):
            sections["tls"][key] = str(certificates / shown["tls"][key])
    return sections
