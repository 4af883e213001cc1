"""`hilum predict`: analyse files from disk, without node or network."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scp_node.cli.options import ModelOption, ModelsDirOption

if TYPE_CHECKING:
    from scp_node.cli.outcomes import Show

PREVIEW_SIDE = 256
HEATMAP_SIDE = 1536


def predict(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", exists=True, help="DICOM, PNG or JPEG files, or folders of them."),
    ],
    model: ModelOption = None,
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
    from scp_node.analysis.files import chosen_package, find_images, outcomes_of
    from scp_node.cli.outcomes import show_outcomes
    from scp_node.cli.predictions import HeatmapFiles, JsonLines, Table

    paths = find_images(files)
    package = chosen_package(models_dir, model)
    shows: list[Show] = [JsonLines(package.manifest) if json else Table(package.manifest)]
    if heatmap is not None:
        shows.append(HeatmapFiles(heatmap, package.manifest, HEATMAP_SIDE))
    with closing(outcomes_of(package, paths, HEATMAP_SIDE if heatmap else PREVIEW_SIDE, gate)) as outcomes:
        code = show_outcomes(outcomes, len(paths), shows, "predict")
    raise typer.Exit(code)
