"""What an analysis needs of its surroundings: a decoder, a model, and whoever wants to know of each step."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from converter.analysis.scores import ImageScores
from converter.declined import Declined
from converter.errors import ConverterError
from converter.image.convert import Converted, convert
from converter.package.intended_use import IntendedUse
from converter.package.manifest import Manifest
from converter.package.network import InputSpec


class ImageDecoder(Protocol):
    """Converts files. `failures` are the errors of a file that cannot be decoded; each has a `code`."""

    @property
    def failures(self) -> tuple[type[Exception], ...]: ...

    def convert(
        self, path: Path, spec: InputSpec, use: IntendedUse | None, preview_side_max: int, pixels_max: int
    ) -> Converted | Declined: ...


class Model(Protocol):
    """A loaded package. `provider` names the hardware that computes its scores."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def provider(self) -> str: ...

    def score(self, model_input: NDArray[np.float32]) -> ImageScores: ...


class StepWatch(Protocol):
    """Is told of each step, and in `outcome`, before the step ends, what came of it; empty = nothing worth saying."""

    outcome: str

    def step(self, name: str) -> AbstractContextManager[None]: ...


class Unwatched:
    """Nobody wants to know."""

    outcome = ""

    def step(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()


class FileDecoder:
    """Decodes in this process, for files that nobody hostile made."""

    failures: tuple[type[Exception], ...] = (ConverterError,)

    def convert(
        self, path: Path, spec: InputSpec, use: IntendedUse | None, preview_side_max: int, pixels_max: int
    ) -> Converted | Declined:
        return convert(path, spec, use, preview_side_max, pixels_max)
