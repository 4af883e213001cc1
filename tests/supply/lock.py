"""Reads a lock: which distributions, in which versions, under which hashes, for which Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

from tests.support.checkout import CHECKOUT

PRODUCTION = CHECKOUT / "requirements.lock"
GPU = CHECKOUT / "config" / "deploy" / "requirements-gpu.lock"
DEVELOPMENT = CHECKOUT / ".ci" / "requirements-dev.lock"
# What Hilum runs on; the lock also says what would be installed elsewhere.
PYTHONS = ("3.11", "3.12", "3.13")
_PLATFORM = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}
_ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)==([^\s;]+)(?: ; ([^\\\n]+?))? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M
)


@dataclass(frozen=True)
class Locked:
    """One entry of a lock, and the first Python that installs it."""

    name: str
    version: str
    python: str
    sha256: tuple[str, ...]


def locked(path: Path) -> list[Locked]:
    """What the lock installs on Linux, on any Python that Hilum runs on, by name and version."""
    return sorted(_entries(path.read_text(encoding="utf-8")), key=lambda one: (one.name, one.version))


def _entries(text: str) -> Iterator[Locked]:
    for name, version, marker, hashes in _ENTRY.findall(text):
        for python in PYTHONS:
            if not marker or Marker(marker).evaluate(environment(python)):
                yield Locked(canonicalize_name(name), version, python, tuple(re.findall(r"sha256:(\w+)", hashes)))
                break


def environment(python: str) -> dict[str, str]:
    """What markers are compared with, for this Python on Linux."""
    return {**_PLATFORM, "python_version": python, "python_full_version": f"{python}.0", "extra": ""}
