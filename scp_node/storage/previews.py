"""Keeps the rendered radiograph of an analysed image until its heat map is drawn. A lost one is rendered anew."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class PreviewStore:
    """Files named by us in one folder; not durable, because each can be made again from the spool."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, name: str, preview: NDArray[np.uint8]) -> None:
        """Keep uint8 [rows, columns] under `name` (a spool name)."""
        path = self._path(name)
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.save(file, preview, allow_pickle=False)
        part.replace(path)

    def get(self, name: str) -> NDArray[np.uint8] | None:
        try:
            preview = np.load(self._path(name), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return np.asarray(preview, dtype=np.uint8) if preview.ndim == 2 else None

    def drop(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def sweep(self, older_than: float) -> None:
        """Remove what has not been touched since `older_than` (seconds since the epoch): left by jobs that died."""
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # its map was drawn just now
                if path.stat().st_mtime < older_than:
                    path.unlink()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name.replace('/', '_')}.npy"
