"""The wheels of a lock: fetched under its hashes, and read for their metadata, licence texts and bundled libraries."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from packaging.utils import parse_wheel_filename

from tests.supply.licences import texts_that_lack
from tests.supply.lock import PYTHONS, Locked

# Every wheel of these is read, wherever the bill is made: the same lock makes the same bytes.
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_24_x86_64", "manylinux_2_17_x86_64", "any")
_LEGAL = re.compile(r"(^|/)[^/]*(licen[cs]e|notice|copying|authors|patents)[^/]*$", re.I)
_NOT_LEGAL = re.compile(r"\.(py|pyi|so[.\d]*|h|hpp|json)$")
_LIBRARY = re.compile(r"^[^/]+\.libs/[^/]+\.so[.\d]*$")


@dataclass(frozen=True)
class Wheel:
    """A wheel of the lock as a file."""

    entry: Locked
    path: Path

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @cached_property
    def metadata(self) -> Message:
        return message_from_string(self._text(self._inside(r"^[^/]+\.dist-info/METADATA$")[0]))

    @cached_property
    def legal_texts(self) -> dict[str, str]:
        """Licences and notices by their place in the wheel, each once, and those that the wheel lacks."""
        found: dict[str, str] = {}
        for name in self._inside(_LEGAL):
            text = self._text(name)
            if not _NOT_LEGAL.search(name) and text not in found.values():
                found[name] = text
        return found | texts_that_lack(self.entry.name)

    @cached_property
    def libraries(self) -> dict[str, str]:
        """Shared libraries that were put into the wheel: name of the file, and its SHA-256."""
        with ZipFile(self.path) as archive:
            return {
                name.rpartition("/")[2]: hashlib.sha256(archive.read(name)).hexdigest()
                for name in self._inside(_LIBRARY)
            }

    @cached_property
    def declared_parts(self) -> list[dict[str, Any]]:
        """Components of the wheel's own bills of materials (PEP 770), without those that only its build needed."""
        bills = [json.loads(self._text(name)) for name in self._inside(r"^[^/]+\.dist-info/sboms/[^/]+\.json$")]
        own = re.sub(r"[-_.]+", "-", self.entry.name)
        parts = [part for bill in bills for part in bill.get("components", ())]
        return [
            part
            for part in parts
            if part.get("scope") != "excluded" and re.sub(r"[-_.]+", "-", part["name"]).lower() != own
        ]

    def _inside(self, pattern: str | re.Pattern[str]) -> list[str]:
        with ZipFile(self.path) as archive:
            return sorted(name for name in archive.namelist() if re.search(pattern, name))

    def _text(self, name: str) -> str:
        with ZipFile(self.path) as archive:
            return archive.read(name).decode("utf-8", "replace").replace("\r\n", "\n")


def fetched(entries: Sequence[Locked], folder: Path) -> Iterator[Wheel]:
    """The wheels of `entries`, from the package index into `folder`. Raises CalledProcessError when pip cannot."""
    for python in PYTHONS:
        wanted = [entry for entry in entries if entry.python == python]
        into = folder / python
        if wanted:
            _download(wanted, python, into)
        by_version = {parse_wheel_filename(path.name)[:2]: path for path in into.glob("*.whl")}
        found = {(str(name), str(version)): path for (name, version), path in by_version.items()}
        yield from (Wheel(entry, found[entry.name, entry.version]) for entry in wanted)


def _download(entries: Sequence[Locked], python: str, folder: Path) -> None:
    lines = [
        f"{entry.name}=={entry.version} {' '.join(f'--hash=sha256:{digest}' for digest in entry.sha256)}\n"
        for entry in entries
    ]
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.writelines(lines)
        requirements.flush()
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps"]
        options = ["--only-binary", ":all:", "--python-version", python, *platforms, "--dest", str(folder)]
        subprocess.run([*command, *options, "-r", requirements.name], check=True)
