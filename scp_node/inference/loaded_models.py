"""The models a worker serves: each package verified, loaded once and kept warm."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.analysis.scores import ImageScores
from converter.package.manifest import Manifest
from scp_node.inference.batcher import Batcher
from scp_node.inference.packages import Folders, find_package, verify_package
from scp_node.inference.session import InferenceSession
from scp_node.settings import Inference

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedModel:
    """One verified package with its session behind a batcher."""

    manifest: Manifest
    batcher: Batcher
    provider: str

    @property
    def label(self) -> str:
        return f"{self.manifest.name}@{self.manifest.version}"

    def score(self, model_input: NDArray[np.float32]) -> ImageScores:
        """The scores of one image, from any number of threads. Raises InferenceFailed, InvalidScore, OutOfResources."""
        return self.batcher.score(model_input)


class LoadedModels:
    """Loaded models by the name that routes use. Thread-safe."""

    def __init__(self, folders: Folders, settings: Inference) -> None:
        self._folders, self._settings = folders, settings
        self._lock = threading.Lock()
        self._loaded: dict[str, LoadedModel] = {}

    def load(self, names: Iterable[str]) -> None:
        """Load what is not loaded yet. Raises ModelUnusable."""
        for name in sorted(names):
            self.get(name)

    def get(self, name: str) -> LoadedModel:
        """The model called `name` or `name@version`, loaded and verified at first use. Raises ModelUnusable."""
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]

    def loaded(self) -> list[LoadedModel]:
        """Each loaded model once, though a route may call it by its name and another one by name and version."""
        with self._lock:
            return list({model.label: model for model in self._loaded.values()}.values())

    def labels(self) -> str:
        return ", ".join(sorted(model.label for model in self._loaded.values()))

    def provider(self) -> str:
        """The ONNX Runtime provider really in use."""
        return ", ".join(sorted({model.provider for model in self._loaded.values()}))

    def close(self) -> None:
        for model in self._loaded.values():
            model.batcher.close()

    def _load(self, name: str) -> LoadedModel:
        settings = self._settings
        package = find_package(self._folders, name)
        session = InferenceSession(
            package,
            settings.providers,
            settings.threads,
            settings.gpu_required,
            settings.load_timeout_s,
            settings.run_timeout_s,
        )
        verify_package(package, session)
        model = LoadedModel(
            package.manifest, Batcher(session, settings.batch_size_max, settings.batch_window_s), session.provider
        )
        log.info("model ready", extra={"model": model.label, "provider": model.provider})
        return model
