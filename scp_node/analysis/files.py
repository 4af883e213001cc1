"""Analyses files from disk, without node or network: which files, with which model package, and what comes of each."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

from converter.regular_file import open_regular
from scp_node.analysis.policies import command_policy
from scp_node.analysis.predictor import Outcome, Predictor
from scp_node.decode.pool import DecodePool
from scp_node.errors import UsageError
from scp_node.host.processors import usable_cores
from scp_node.inference.batcher import Batcher
from scp_node.inference.loaded_models import LoadedModel
from scp_node.inference.packages import ModelPackage, find_package, package_folders, verify_package
from scp_node.inference.session import InferenceSession
from scp_node.settings import Inference
from scp_node.settings.places import shipped_models_dir

CHILDREN_MAX = 8
DICOM_SUFFIXES = (".dcm", ".dicom")
# Of the shipped packages, the one that the example configuration has.
MAIN_MODEL = "pneumonia"
SIGNATURES = ((0, b"\x89PNG\r\n\x1a\n"), (0, b"\xff\xd8\xff"), (128, b"DICM"))


def find_images(files: Sequence[Path]) -> list[Path]:
    """Every file named, and of every folder named those that look like DICOM, PNG or JPEG, sorted by path.

    Raises UsageError for a folder without any, and for what is neither file nor folder.
    """
    found: list[Path] = []
    for path in files:
        if path.is_dir():
            inside = sorted(inner for inner in path.rglob("*") if inner.is_file() and _looks_like_an_image(inner))
            if not inside:
                raise UsageError(f"{path}: no DICOM, PNG or JPEG file in this folder")
            found.extend(inside)
        elif path.is_file():
            found.append(path)
        else:
            raise UsageError(f"{path}: neither a file nor a folder")
    return found


def chosen_package(models_dir: Path | None, model: str | None) -> ModelPackage:
    """The package called `model`; without a name MAIN_MODEL of those that are shipped, or the only one of `models_dir`.

    Raises UsageError, ModelMissing, ModelUnusable.
    """
    folder = models_dir or shipped_models_dir()
    if model is None and models_dir is None:
        model = MAIN_MODEL
    if model is None:
        names = sorted({package.parent.name for package in package_folders(folder)})
        if len(names) != 1:
            raise UsageError(f"say which model with --model NAME (in {folder}: {', '.join(names) or 'none'})")
        model = names[0]
    return find_package(folder, model)


def outcomes_of(
    package: ModelPackage, paths: list[Path], preview_side_max: int, use_gate: bool = True, threads: int = 0
) -> Generator[tuple[Path, Outcome]]:
    """Load and prove the model while the decoding children start, then analyse.

    threads: of the model, and decoding children; 0 = what settings and machine say.
    """
    settings = Inference()
    children = min(threads or usable_cores(), CHILDREN_MAX, len(paths))
    with closing(DecodePool.of(settings, processes=children)) as pool:
        limits = settings.gpu_required, settings.load_timeout_s, settings.run_timeout_s
        session = InferenceSession(package, settings.providers, threads or settings.threads, *limits)
        verify_package(package, session)
        with closing(Batcher(session, settings.batch_size_max, settings.batch_window_s)) as batcher:
            model = LoadedModel(package.manifest, batcher, session.provider)
            yield from Predictor(model, pool, command_policy(preview_side_max, use_gate)).predict_all(paths)


def _looks_like_an_image(path: Path) -> bool:
    if path.name == "DICOMDIR" or path.name.startswith("."):
        return False
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            head = file.read(132)
    except OSError:
        return True  # to be named as failed, not passed over
    return any(head[start:].startswith(signature) for start, signature in SIGNATURES)
