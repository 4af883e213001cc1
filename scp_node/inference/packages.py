"""Model packages on disk: found by name, read without following links, and proven before they serve."""

from __future__ import annotations

import hashlib
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter.errors import InvalidManifest
from converter.package.manifest import Manifest, load_manifest
from scp_node.errors import InferenceFailed, ModelMissing, ModelUnusable
from scp_node.inference.scores import Scorer

MODEL = re.compile(r"([a-z0-9][a-z0-9-]{0,62})(?:@(\d+\.\d+\.\d+))?")
VERSION = re.compile(r"\d+\.\d+\.\d+")
# Halves (Precision in the manifest) are summed in another order by each processor, and rounded after each step.
TOLERANCE, FP16_TOLERANCE = 1e-3, 5e-2
ONNX_BYTES_MAX = 1 << 30
REFERENCE_BYTES_MAX = 1 << 28
REFERENCE_IMAGES_MAX = 64


@dataclass(frozen=True)
class ModelPackage:
    """One folder models/<name>/<version>/ whose manifest is valid; `read_weights` proves the graph itself."""

    manifest: Manifest
    folder: Path

    @property
    def label(self) -> str:
        return f"{self.manifest.name}@{self.manifest.version}"

    @property
    def onnx_path(self) -> Path:
        return self.folder / "model.onnx"

    def read_weights(self) -> bytes:
        """The graph, with the SHA-256 that the manifest names. Raises ModelUnusable."""
        try:
            weights = _package_file(self.folder, "model.onnx", ONNX_BYTES_MAX).read_bytes()
        except OSError as error:
            raise ModelUnusable(f"{self.onnx_path} cannot be read: {error.strerror}") from error
        found = hashlib.sha256(weights).hexdigest()
        if found != self.manifest.onnx_sha256:
            raise ModelUnusable(
                f"{self.onnx_path}: altered: SHA-256 is {found[:12]}..., the manifest says "
                f"{self.manifest.onnx_sha256[:12]}... Restore the package from where it was published."
            )
        return weights


@dataclass(frozen=True)
class ReferenceOutputs:
    """Inputs whose outputs are known."""

    inputs: NDArray[np.float32]
    probability: NDArray[np.float32]
    cam: NDArray[np.float32]
    gate: NDArray[np.float32] | None = None


def package_folders(models_dir: Path) -> list[Path]:
    """Every folder <name>/<version>, by name, then version; what it holds is not looked at."""
    if not models_dir.is_dir():
        return []
    folders = [folder for folder in models_dir.glob("*/*") if VERSION.fullmatch(folder.name) and folder.is_dir()]
    return sorted(folders, key=lambda folder: (folder.parent.name, _version_key(folder)))


def list_packages(models_dir: Path) -> list[ModelPackage]:
    """The packages of `models_dir`, by name, then version. Raises ModelUnusable on the first that is broken."""
    return [open_package(folder) for folder in package_folders(models_dir)]


def find_package(models_dir: Path, model: str) -> ModelPackage:
    """The package called `model`: 'name@version', or 'name' for its highest version. Raises ModelUnusable.

    A broken highest version is an error: an older one must not take its place unseen.
    """
    asked = MODEL.fullmatch(model)
    if asked is None:
        raise ModelMissing(f"'{model}' is not the name of a model: write NAME or NAME@VERSION, as pneumonia@1.2.0")
    folders = package_folders(models_dir)
    fitting = [
        folder for folder in folders if folder.parent.name == asked[1] and (asked[2] is None or folder.name == asked[2])
    ]
    if not fitting:
        known = ", ".join(f"{folder.parent.name}@{folder.name}" for folder in folders) or "none"
        raise ModelMissing(f"no model package '{model}' in {models_dir} (there: {known})")
    return open_package(fitting[-1])


def open_package(folder: Path) -> ModelPackage:
    """The package in `folder`, its manifest checked. Raises ModelUnusable."""
    for place in (folder.parent, folder):
        if place.is_symlink():
            raise ModelUnusable(f"{place} is a symbolic link: a model package is a folder of its own")
    try:
        manifest = load_manifest(_package_file(folder, "manifest.yaml", 1 << 20))
    except InvalidManifest as error:
        raise ModelUnusable(str(error)) from error
    if (manifest.name, manifest.version) != (folder.parent.name, folder.name):
        raise ModelUnusable(
            f"{folder}: the manifest is that of {manifest.name}@{manifest.version}; "
            "a package lies in <name>/<version> of its manifest"
        )
    return ModelPackage(manifest, folder)


def verify_package(package: ModelPackage, session: Scorer) -> None:
    """Prove that `session` is this package and that it reproduces the reference outputs. Raises ModelUnusable."""
    package.read_weights()
    if session.manifest != package.manifest:
        raise ModelUnusable(f"{package.label}: the session runs {session.manifest.name}@{session.manifest.version}")
    difference = replay(package, session)
    if not difference <= tolerance(package.manifest):
        raise ModelUnusable(
            f"{package.label}: on '{session.provider}' the reference outputs differ by {difference:.2g} "
            f"(at most {tolerance(package.manifest):g} is allowed). Take another provider, or ask the model's makers."
        )


def tolerance(manifest: Manifest) -> float:
    """How much the replay of the reference may differ."""
    return FP16_TOLERANCE if manifest.precision and manifest.precision.kind == "fp16" else TOLERANCE


def replay(package: ModelPackage, session: Scorer) -> float:
    """The largest difference between the reference outputs and those of `session`, probability and map together.

    Also between each probability and the sigmoid of its map's mean: the map must be what the decision was made of.
    Raises ModelUnusable where they cannot be compared.
    """
    reference = read_reference(package)
    try:
        scores = session.run(reference.inputs)
    except InferenceFailed as error:
        raise ModelUnusable(f"{package.label}: its reference inputs cannot be scored: {error}") from error
    cam = reference.cam if reference.cam.shape == scores.cam.shape else np.moveaxis(reference.cam, -1, 1)
    if cam.shape != scores.cam.shape or reference.probability.shape != scores.probability.shape:
        raise ModelUnusable(
            f"{package.label}: reference.npz holds outputs of shape {reference.probability.shape} and "
            f"{reference.cam.shape}, the graph gives {scores.probability.shape} and {scores.cam.shape}"
        )
    explained = 1 / (1 + np.exp(-scores.cam.mean(axis=(2, 3), dtype=np.float64)))
    differences = [cam - scores.cam, reference.probability - scores.probability, explained - scores.probability]
    if scores.gate is not None:
        if reference.gate is None or reference.gate.shape != scores.gate.shape:
            raise ModelUnusable(
                f"{package.label}: reference.npz lacks what the gate says, of shape {scores.gate.shape}"
            )
        differences.append(reference.gate - scores.gate)
    return float(max(np.abs(difference).max() for difference in differences))


def read_reference(package: ModelPackage) -> ReferenceOutputs:
    """reference.npz, never unpickled, bounded in size. Raises ModelUnusable."""
    path = _package_file(package.folder, "reference.npz", REFERENCE_BYTES_MAX)
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > REFERENCE_BYTES_MAX:
                raise ModelUnusable(f"{path}: unpacks to more than {REFERENCE_BYTES_MAX} bytes")
        with np.load(path, allow_pickle=False) as arrays:
            inputs, probability, cam = (np.asarray(arrays[key], np.float32) for key in ("inputs", "probability", "cam"))
            gate = np.asarray(arrays["gate"], np.float32) if "gate" in arrays else None
            reference = ReferenceOutputs(inputs, probability, cam, gate)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelUnusable(f"{path}: needs the arrays inputs, probability and cam ({error})") from error
    if not 1 <= len(reference.inputs) <= REFERENCE_IMAGES_MAX:
        raise ModelUnusable(f"{path}: holds {len(reference.inputs)} inputs, 1 to {REFERENCE_IMAGES_MAX} are allowed")
    arrays_read = (reference.inputs, reference.probability, reference.cam, reference.gate)
    if not all(np.isfinite(array).all() for array in arrays_read if array is not None):
        raise ModelUnusable(f"{path}: holds NaN or infinity")
    return reference


def _package_file(folder: Path, name: str, bytes_max: int) -> Path:
    """A regular file of the package itself: what a link points to may change behind its hash."""
    path = folder / name
    if path.is_symlink():
        raise ModelUnusable(f"{path} is a symbolic link: the files of a model package lie in its own folder")
    if not path.is_file():
        raise ModelUnusable(f"{path} is missing: a package holds manifest.yaml, model.onnx and reference.npz")
    if path.stat().st_size > bytes_max:
        raise ModelUnusable(f"{path} is larger than {bytes_max} bytes")
    return path


def _version_key(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split("."))
