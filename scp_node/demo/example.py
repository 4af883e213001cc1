"""The radiograph that the demonstration sends when the user names none."""

from __future__ import annotations

from pathlib import Path

from converter.phantom.radiograph import example_radiograph


def write_example(path: Path) -> Path:
    """Write the computed radiograph as a Part 10 file (PS3.10)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    example_radiograph().save_as(path, enforce_file_format=True)
    return path
