"""How `hilum predict` shows predictions: JSON lines, a table, heat maps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from converter.package.manifest import Manifest
from converter.result.wording import percent, threshold_percent
from scp_node.analysis.predictor import Prediction
from scp_node.queries.prediction import heatmap_pngs, predicted_file

STEM_CHARS_MAX = 100


class JsonLines:
    """One JSON object a line on standard output, as soon as it is known."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def add(self, path: Path, prediction: Prediction) -> None:
        document = predicted_file(self._manifest, str(path), prediction).document()
        typer.echo(json.dumps(document, allow_nan=False))

    def end(self) -> None:
        pass


class Table:
    """A table for a person, printed at the end."""

    def __init__(self, manifest: Manifest) -> None:
        self._table = RichTable(title=f"{manifest.title} {manifest.version}", title_justify="left")
        self._table.add_column("File", overflow="fold")
        self._table.add_column("Finding")
        self._table.add_column("Probability", justify="right")
        self._table.add_column("Present from", justify="right")
        self._table.add_column("Result")
        self._width = 0

    def add(self, path: Path, prediction: Prediction) -> None:
        name = Text(str(path))
        self._width = max(self._width, name.cell_len)
        if prediction.declined is not None:
            self._table.add_row(name, "", "", "", Text(f"declined: {prediction.declined.reason}", "yellow"))
        for finding in prediction.findings:
            self._table.add_row(
                name,
                Text(finding.concept.meaning),
                f"{percent(finding.probability, finding.threshold)} %",
                f"{threshold_percent(finding.threshold)} %",
                Text("present", "bold red") if finding.positive else Text("absent"),
            )
            name = Text()

    def end(self) -> None:
        console = Console()
        if not console.is_terminal:  # nothing in a file has to fit a screen
            console = Console(width=self._width + 160)
        console.print(self._table)


class HeatmapFiles:
    """One PNG for each finding of each analysed file: FILE.FINDING.png, numbered where two files share a name."""

    def __init__(self, folder: Path, manifest: Manifest, side_max: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._manifest, self._side_max = folder, manifest, side_max
        self._taken: set[str] = set()

    def add(self, path: Path, prediction: Prediction) -> None:
        if prediction.cam is None:
            return
        stem = self._unique(path)
        for finding, png in heatmap_pngs(self._manifest, prediction, self._side_max):
            (self._folder / f"{stem}.{finding}.png").write_bytes(png)

    def end(self) -> None:
        pass

    def _unique(self, path: Path) -> str:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem)[-STEM_CHARS_MAX:].lstrip(".") or "image"
        name, number = stem, 1
        while name in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name)
        return name
