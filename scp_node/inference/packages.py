"""Model packages on disk: found by name, read without following links, and proven before they serve."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter.errors import InvalidManifest
from converter.package import learned_films
from converter.package.manifest import MANIFEST_BYTES_MAX, Manifest, parse_manifest
from converter.regular_file import read_regular
from scp_node.errors import InferenceFailed, ModelMissing, ModelUnusable
from scp_node.inference.arrays_file import BROKEN_ARRAYS, read_arrays
from scp_node.inference.external_data import refuse_external_data
from scp_node.inference.scores import Scorer

MODEL = re.compile(r"([a-z0-9][a-z0-9-]{0,62})(?:@(\d+\.\d+\.\d+)(?:#sha256:([0-9a-f]{64}))?)?")
VERSION = re.compile(r"\d+\.\d+\.\d+")
# Halves (Precision in the manifest) are summed in another order by each processor, and rounded after each step.
TOLERANCE, FP16_TOLERANCE = 1e-3, 5e-2
ONNX_BYTES_MAX = 1 << 30
REFERENCE_BYTES_MAX = 1 << 28
REFERENCE_IMAGES_MAX = 64
TEXT_BYTES_MAX, REPORTS_MAX = 1 << 20, 20
REPORT = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}\.md")
# One folder of packages, or several in the order in which they are looked into.
Folders = Path | Sequence[Path]


@dataclass(frozen=True)
class ModelPackage:
    """One folder models/<name>/<version>/ whose manifest is valid; `read_weights` proves the graph itself.

    digest: SHA-256 of manifest.yaml, which in turn holds that of the graph: whoever pins it pins what the model says.
    """

    manifest: Manifest
    folder: Path
    digest: str

    @property
    def label(self) -> str:
        return f"{self.manifest.name}@{self.manifest.version}"

    @property
    def pin(self) -> str:
        """What a route writes to get this package and no other."""
        return f"{self.label}#sha256:{self.digest}"

    @property
    def onnx_path(self) -> Path:
        return self.folder / "model.onnx"

    def read_weights(self) -> bytes:
        """The graph, with the SHA-256 that the manifest names and no weights elsewhere. Raises ModelUnusable."""
        weights = _package_file(self.folder, "model.onnx", ONNX_BYTES_MAX)
        found = hashlib.sha256(weights).hexdigest()
        if found != self.manifest.onnx_sha256:
            raise ModelUnusable(
                f"{self.onnx_path}: altered: SHA-256 is {found[:12]}..., the manifest says "
                f"{self.manifest.onnx_sha256[:12]}... Restore the package from where it was published."
            )
        refuse_external_data(weights, str(self.onnx_path))
        return weights


@dataclass(frozen=True)
class ReferenceOutputs:
    """Inputs whose outputs are known."""

    inputs: NDArray[np.float32]
    probability: NDArray[np.float32]
    cam: NDArray[np.float32]
    gate: NDArray[np.float32] | None = None
    lungs: NDArray[np.float32] | None = None


def read_card(package: ModelPackage) -> str | None:
    """CARD.md, what a package says of itself to a reader; None where there is none. Raises ModelUnusable."""
    if not (package.folder / "CARD.md").is_file():
        return None
    return _package_file(package.folder, "CARD.md", TEXT_BYTES_MAX).decode(errors="replace")


def report_names(package: ModelPackage) -> list[str]:
    """The reports that came with a package and are meant to be read, REPORTS_MAX at most."""
    folder = package.folder / "report"
    found = [path.name for path in folder.glob("*.md")] if folder.is_dir() and not folder.is_symlink() else []
    return sorted(name for name in found if REPORT.fullmatch(name))[:REPORTS_MAX]


def read_report(package: ModelPackage, name: str) -> str:
    """One of `report_names`. Raises ModelUnusable, and ModelMissing for what is none of them."""
    if name not in report_names(package):
        raise ModelMissing(f"{package.label} has no report {name}")
    return _package_file(package.folder / "report", name, TEXT_BYTES_MAX).decode(errors="replace")


def package_folders(places: Folders) -> list[Path]:
    """Every folder <name>/<version> of `places`, by name, then version; what it holds is not looked at. Of one name and
    version the first place counts."""
    found: dict[tuple[str, tuple[int, ...]], Path] = {}
    for place in (places,) if isinstance(places, Path) else places:
        for folder in place.glob("*/*") if place.is_dir() else ():
            if VERSION.fullmatch(folder.name) and folder.is_dir():
                found.setdefault((folder.parent.name, _version_key(folder)), folder)
    return [found[key] for key in sorted(found)]


def state_of(places: Folders) -> tuple[tuple[str, int], ...]:
    """What changes when a package of `places` comes, goes or is replaced: cheap to ask for."""
    manifests = [folder / "manifest.yaml" for folder in package_folders(places)]
    return tuple((str(one), one.stat().st_mtime_ns if one.is_file() else 0) for one in manifests)


def list_packages(places: Folders) -> list[ModelPackage]:
    """The packages of `places`, by name, then version. Raises ModelUnusable on the first that is broken."""
    return [open_package(folder) for folder in package_folders(places)]


def find_package(places: Folders, model: str) -> ModelPackage:
    """The package called `model`: 'name@version', or 'name' for its highest version; with '#sha256:...' behind the
    version its manifest has to have that SHA-256. Raises ModelUnusable.

    A broken highest version is an error: an older one must not take its place unseen.
    """
    asked = MODEL.fullmatch(model)
    if asked is None:
        raise ModelMissing(
            f"'{model}' is not the name of a model: write NAME, NAME@VERSION or NAME@VERSION#sha256:HEX, "
            "as pneumonia@2.0.0"
        )
    folders = package_folders(places)
    fitting = [
        folder for folder in folders if folder.parent.name == asked[1] and (asked[2] is None or folder.name == asked[2])
    ]
    if not fitting:
        known = ", ".join(f"{folder.parent.name}@{folder.name}" for folder in folders) or "none"
        where = str(places) if isinstance(places, Path) else " or ".join(map(str, places))
        raise ModelMissing(f"no model package '{model}' in {where} (there: {known})")
    package = open_package(fitting[-1])
    if asked[3] not in (None, package.digest):
        raise ModelUnusable(
            f"{package.label}: not the package that is pinned: its manifest.yaml has SHA-256 {package.digest[:12]}..., "
            f"not {asked[3][:12]}... Restore the package from where it was published, or pin this one: 'hilum models "
            "list' shows how."
        )
    return package


def open_package(folder: Path) -> ModelPackage:
    """The package in `folder`, its manifest checked. Raises ModelUnusable."""
    for place in (folder.parent, folder):
        if place.is_symlink():
            raise ModelUnusable(f"{place} is a symbolic link: a model package is a folder of its own")
    try:
        content = _package_file(folder, "manifest.yaml", MANIFEST_BYTES_MAX)
        manifest = parse_manifest(content, folder / "manifest.yaml")
    except InvalidManifest as error:
        raise ModelUnusable(str(error)) from error
    if (manifest.name, manifest.version) != (folder.parent.name, folder.name):
        raise ModelUnusable(
            f"{folder}: the manifest is that of {manifest.name}@{manifest.version}; "
            "a package lies in <name>/<version> of its manifest"
        )
    return ModelPackage(manifest, folder, hashlib.sha256(content).hexdigest())


def verify_package(package: ModelPackage, session: Scorer) -> float:
    """Prove that `session` is this package and that it reproduces the reference outputs; returns by how much they
    differ. Raises ModelUnusable."""
    package.read_weights()
    if session.manifest != package.manifest:
        raise ModelUnusable(f"{package.label}: the session runs {session.manifest.name}@{session.manifest.version}")
    difference = replay(package, session)
    if not difference <= tolerance(package.manifest):
        raise ModelUnusable(
            f"{package.label}: on '{session.provider}' the reference outputs differ by {difference:.2g} "
            f"(at most {tolerance(package.manifest):g} is allowed). Take another provider, or ask the model's makers."
        )
    return difference


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
    if scores.lungs is not None:
        lungs = scores.lungs[:, np.newaxis]
        if reference.lungs is None or reference.lungs.shape != lungs.shape:
            raise ModelUnusable(f"{package.label}: reference.npz lacks the outlines of lungs, of shape {lungs.shape}")
        differences.append(reference.lungs - lungs)
    return float(max(np.abs(difference).max() for difference in differences))


def read_learned(package: ModelPackage) -> frozenset[int] | None:
    """Digests of the films that the package was made from; None where it does not carry them. Raises ModelUnusable."""
    section = package.manifest.learned_films
    if section is None:
        return None
    content = _package_file(package.folder, learned_films.FILE, learned_films.BYTES_MAX)
    try:
        return learned_films.unpacked(content, section)
    except ValueError as error:
        raise ModelUnusable(f"{package.folder / learned_films.FILE}: altered: {error}") from error


def read_reference(package: ModelPackage) -> ReferenceOutputs:
    """reference.npz, never unpickled, bounded in size. Raises ModelUnusable."""
    path = package.folder / "reference.npz"
    content = _package_file(package.folder, path.name, REFERENCE_BYTES_MAX)
    try:
        arrays = read_arrays(content, ("inputs", "probability", "cam", "gate", "lungs"), REFERENCE_BYTES_MAX)
        inputs, probability, cam = (arrays[name] for name in ("inputs", "probability", "cam"))
        reference = ReferenceOutputs(inputs, probability, cam, arrays.get("gate"), arrays.get("lungs"))
    except BROKEN_ARRAYS as error:
        raise ModelUnusable(f"{path}: needs the arrays inputs, probability and cam ({error})") from error
    if not 1 <= len(reference.inputs) <= REFERENCE_IMAGES_MAX:
        raise ModelUnusable(f"{path}: holds {len(reference.inputs)} inputs, 1 to {REFERENCE_IMAGES_MAX} are allowed")
    arrays_read = (reference.inputs, reference.probability, reference.cam, reference.gate, reference.lungs)
    if not all(np.isfinite(array).all() for array in arrays_read if array is not None):
        raise ModelUnusable(f"{path}: holds NaN or infinity")
    return reference


def _package_file(folder: Path, name: str, bytes_max: int) -> bytes:
    """A regular file of the package itself: what a link points to may change behind its hash."""
    path = folder / name
    if path.is_symlink():
        raise ModelUnusable(f"{path} is a symbolic link: the files of a model package lie in its own folder")
    try:
        return read_regular(path, bytes_max)
    except FileNotFoundError as error:
        problem = "is missing: a package holds manifest.yaml, model.onnx and reference.npz"
        raise ModelUnusable(f"{path} {problem}") from error
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read: {error.strerror}") from error


def _version_key(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split("."))
