"""A package as the analysis asks it: its graph in ONNX Runtime on the CPU, one image at a time."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from converter.analysis.scores import ImageScores
from converter.package.manifest import Manifest
from training.packaging.manifest_file import read_manifest
from training.packaging.package_folder import read_graph


class Package:
    """Manifest and graph; a Model of converter.analysis. May be asked from any number of threads."""

    provider = "cpu"

    def __init__(self, manifest: Manifest, graph: bytes) -> None:
        self.manifest, self.graph = manifest, graph

    @property
    def label(self) -> str:
        return f"{self.manifest.name} {self.manifest.version}"

    def score(self, model_input: NDArray[np.float32]) -> ImageScores:
        """The outputs of the graph for one image, the map as [findings, h, w] whatever its layout."""
        gate = [self.manifest.gate.output] if self.manifest.gate else []
        session = self._session
        outputs = session.run(["probability", "cam", *gate], {session.get_inputs()[0].name: model_input[np.newaxis]})
        cam = outputs[1][0] if self.manifest.input.layout == "NCHW" else np.moveaxis(outputs[1][0], -1, 0)
        return ImageScores(outputs[0][0], cam, outputs[2][0] if gate else None)

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(self.graph, providers=["CPUExecutionProvider"])


def open_package(folder: Path) -> Package:
    """The package in `folder`. Ends the program when its graph is not the one that the manifest names."""
    manifest = read_manifest(folder)
    return Package(manifest, read_graph(folder, manifest))
