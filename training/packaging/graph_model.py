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
        gate, lungs, session = self.manifest.gate, self.manifest.lungs, self._session
        further = [section.output for section in (gate, lungs) if section is not None]
        names = ["probability", "cam", *further]
        found = session.run(names, {session.get_inputs()[0].name: model_input[np.newaxis]})
        outputs = dict(zip(names, found, strict=True))
        cam = outputs["cam"][0] if self.manifest.input.layout == "NCHW" else np.moveaxis(outputs["cam"][0], -1, 0)
        return ImageScores(
            outputs["probability"][0],
            cam,
            None if gate is None else outputs[gate.output][0],
            None if lungs is None else outputs[lungs.output][0, 0],
        )

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(self.graph, providers=["CPUExecutionProvider"])


def open_package(folder: Path) -> Package:
    """The package in `folder`. Ends the program when its graph is not the one that the manifest names."""
    manifest = read_manifest(folder)
    return Package(manifest, read_graph(folder, manifest))
