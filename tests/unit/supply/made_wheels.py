"""Small wheels of a test, with the metadata, texts and libraries that it wants."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

from tests.supply.lock import Locked
from tests.supply.wheels import Wheel


def made_wheel(folder: Path, name: str, metadata: str = "License-Expression: MIT\n", **files: str) -> Wheel:
    """`files`: place in the wheel, with __ for a slash, to content."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    inside = {key.replace("__", "/"): text for key, text in files.items()}
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\n{metadata}")
        for place, text in inside.items():
            archive.writestr(place, text)
    return Wheel(Locked(name, "1.0", "3.11", ()), path)
