"""The films that were asked for last: whoever looks at one asks for its map next, which is drawn without decoding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILMS_KEPT_MAX = 4


@dataclass(frozen=True)
class Film:
    """The rendered image, uint8 [rows, columns], and the affine from its pixel centres to those of the stored frame."""

    pixels: NDArray[np.uint8]
    to_source: NDArray[np.float64]


class FilmsKept:
    """By file, as long as that is there."""

    def __init__(self) -> None:
        self._films: dict[Path, Film] = {}

    def get(self, path: Path) -> Film | None:
        kept = self._films.pop(path, None)
        return self.put(path, kept) if kept is not None and path.exists() else None

    def put(self, path: Path, film: Film) -> Film:
        self._films[path] = film
        while len(self._films) > FILMS_KEPT_MAX:
            del self._films[next(iter(self._films))]
        return film
