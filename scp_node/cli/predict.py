"""`hilum predict`: analyse files from disk, without node or network."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scp_node.errors import UsageError
from scp_node.settings import Inference

if TYPE_CHECKING:
    from scp_node.analysis.predictor import Outcome
    from scp_node.cli.predictions import Show
    from scp_node.inference.packages import ModelPackage

DONE, FAILED, DECLINED_ONLY = 0, 1, 3
CHILDREN_MAX = 8
PREVIEW_SIDE = 256
HEATMAP_SIDE = 1536
DICOM_SUFFIXES = (".dcm", ".dicom")
SIGNATURES = ((0, b"\x89PNG\r\n\x1a\n"), (0, b"\xff\xd8\xff"), (128, b"DICM"))

ModelsDirOption = Annotated[
    Path | None, typer.Option("--models-dir", help="Folder of model packages; the shipped one if absent.")
]


def predict(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", exists=True, help="DICOM, PNG or JPEG files, or folders of them."),
    ],
    model: Annotated[
        str | None, typer.Option(metavar="NAME[@VERSION]", help="Model package; the only one there is if absent.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of a table.")] = False,
    heatmap: Annotated[
        Path | None, typer.Option(metavar="DIR", file_okay=False, help="Write a heat map (PNG) of each finding there.")
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate/--no-gate", help="Decline what the model's input gate takes for something else.")
    ] = True,
    models_dir: ModelsDirOption = None,
) -> None:
    """Analyse radiographs from disk and print what was found. Nothing is sent anywhere. Research use only.

    A DICOM file is declined when its header says that the model was not made for it; of a PNG or JPEG file only the
    pixels are judged. Both are declined when the model has an input gate that takes them for something else.
    Exit 0 done, 1 a file failed, 2 wrong usage, 3 every file was declined.
    """
    paths = find_images(files)
    package = chosen_package(models_dir, model)
    from scp_node.cli.predictions import Heatmaps, JsonLines, Table

    shows: list[Show] = [JsonLines(package.manifest) if json else Table(package.manifest)]
    if heatmap is not None:
        shows.append(Heatmaps(heatmap, package.manifest, HEATMAP_SIDE))
    with closing(outcomes_of(package, paths, HEATMAP_SIDE if heatmap else PREVIEW_SIDE, gate)) as outcomes:
        code = report(outcomes, len(paths), shows)
    raise typer.Exit(code)


def find_images(files: Sequence[Path]) -> list[Path]:
    """Every file named, and of every folder named those that look like DICOM, PNG or JPEG, sorted by path."""
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


def report(
    outcomes: Iterable[tuple[Path, Outcome]], total: int, shows: Sequence[Show], command: str = "predict"
) -> int:
    """Show each outcome as it comes, with a progress bar where a person waits; the exit code of it all."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from scp_node.analysis.predictor import Prediction

    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    analysed = declined = failed = 0
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("Analysing", total=total)
        for path, outcome in outcomes:
            if isinstance(outcome, Prediction):
                for show in shows:
                    show.add(path, outcome)
                analysed, declined = analysed + (outcome.declined is None), declined + (outcome.declined is not None)
            else:
                failed += 1
                console.print(f"hilum {command}: {path}: {outcome.code}: {outcome}")
            progress.advance(task)
    for show in shows:
        show.end()
    console.print(f"{analysed} analysed, {declined} declined, {failed} failed. Research use only, not for diagnosis.")
    return FAILED if failed else DECLINED_ONLY if declined and not analysed else DONE


def chosen_package(models_dir: Path | None, model: str | None) -> ModelPackage:
    from scp_node.inference.packages import find_package, package_folders
    from scp_node.settings.places import shipped_models_dir

    folder = models_dir or shipped_models_dir()
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
    from scp_node.analysis.policies import command_policy
    from scp_node.analysis.predictor import Predictor
    from scp_node.decode.pool import DecodePool
    from scp_node.host.processors import usable_cores
    from scp_node.inference.batcher import Batcher
    from scp_node.inference.loaded_models import LoadedModel
    from scp_node.inference.packages import verify_package
    from scp_node.inference.session import InferenceSession

    settings = Inference()
    children = min(threads or usable_cores(), CHILDREN_MAX, len(paths))
    with closing(DecodePool.of(settings, processes=children)) as pool:
        session = InferenceSession(package, settings.providers, threads or settings.threads)
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
        with path.open("rb") as file:
            head = file.read(132)
    except OSError:
        return True  # to be named as failed, not passed over
    return any(head[start:].startswith(signature) for start, signature in SIGNATURES)
